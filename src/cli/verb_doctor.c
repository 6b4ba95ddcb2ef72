/* SPDX-License-Identifier: Apache-2.0 */
/* vagus doctor: what can be sensed on this machine, what cannot and why, what it costs, whether the
 * black box outlives this place, and what to change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/target.h"

extern const struct cli_verb cli_verb_doctor;

struct doctor_arguments {
    struct doctor_options options;
    const char *process;
    bool json;
};

/* A pid need not be monitored; a name is that of a monitored process. */
static int find_process(const char *wanted, long *pid)
{
    static struct segment_found target;
    char *end;
    if (wanted == NULL)
        return CLI_OK;
    *pid = strtol(wanted, &end, 10);
    if (end != wanted && *end == '\0' && *pid > 0)
        return CLI_OK;
    int status = target_find(&cli_verb_doctor, NULL, wanted, &target);
    if (status == CLI_OK && target.error != 0)
        return target_unreadable(&cli_verb_doctor, target.path, target.error);
    *pid = status == CLI_OK ? (long)target.header.pid : 0;
    return status == CLI_FAILED ? DOCTOR_FAILED : status;
}

static int print(const struct doctor *doctor, bool json)
{
    size_t room = json ? DOCTOR_JSON_BYTES_MAX : DOCTOR_TEXT_BYTES_MAX;
    char *output = malloc(room);
    struct text text;
    if (output == NULL) {
        cli_error(&cli_verb_doctor, "%s", vagus_error_message(VAGUS_ENOMEM));
        return DOCTOR_FAILED;
    }
    text_init(&text, output, room);
    if (json)
        doctor_json(doctor, &text);
    else
        doctor_text(doctor, cli_colour(stdout), &text);
    /* That nothing could be written is said once, at the end of main(). */
    bool written = fputs(output, stdout) != EOF && fflush(stdout) == 0;
    free(output);
    return written ? (int)doctor_gravity(doctor) : DOCTOR_FAILED;
}

static int run(int argc, char **argv)
{
    static struct doctor doctor;
    struct doctor_arguments given = {0};
    int status = cli_parse(&cli_verb_doctor, argc, argv, &given);
    if (status == CLI_OK)
        status = find_process(given.process, &given.options.pid);
    if (status != CLI_OK)
        return status;

    doctor = (struct doctor){.sockets_pid = given.options.pid};
    doctor.sockets_error = host_own_sockets(given.options.root, given.options.pid, &doctor.sockets);
    if (doctor.sockets_error == VAGUS_ENOENT) {
        cli_error(&cli_verb_doctor, "no process %ld", doctor.sockets_pid);
        return CLI_NOT_FOUND;
    }
    int error = doctor_feel(&doctor, &given.options);
    if (error == VAGUS_EPOLICY || error == VAGUS_EUNWIRED)
        cli_error(&cli_verb_doctor, "%s: %s; 'vagus check' names each fault",
                  given.options.policy_path, vagus_error_message(error));
    else if (error != 0)
        cli_error(&cli_verb_doctor, "no monitor can be opened here: %s",
                  vagus_error_message(error));
    if (error != 0)
        return DOCTOR_FAILED;
    doctor_look_at_machine(&doctor, given.options.root);
    doctor_look_at_black_box(&doctor, given.options.root);
    doctor_judge_senses(&doctor);
    return print(&doctor, given.json);
}

static const struct cli_argument takes[] = {
    {.name = "policy",
     .kind = CLI_FILE,
     .value = "FILE",
     .help = "under this policy; without it, under the default one",
     CLI_AT(struct doctor_arguments, options.policy_path)},
    {.letter = 'p',
     .kind = CLI_PROCESS,
     .value = "PID|NAME",
     .help = "whose sockets to count; without it, the command's own",
     CLI_AT(struct doctor_arguments, process)},
    CLI_JSON_OPTION(struct doctor_arguments),
    {.name = "root",
     .kind = CLI_DIR,
     .value = "DIR",
     .help = "read proc and sys below DIR: a copy of another machine's",
     CLI_AT(struct doctor_arguments, options.root)},
    {0},
};

static const struct cli_exit exits[] = {
    {0, "all that matters is sensed"},
    {1, "something is worth changing"},
    {2, "something is serious: no memory limit readable, no black box, a rule that can never raise "
        "anything"},
    {DOCTOR_FAILED, "no monitor could be run"},
    {0},
};

const struct cli_verb cli_verb_doctor = {
    .name = "doctor",
    .summary = "tell what can be sensed here, what it costs and what to change",
    .arguments = takes,
    .about = "Runs a monitor for two seconds, as an agent would in this place, and tells what it "
             "felt, what it could not feel and why, what each sense costs, whether the black box "
             "outlives this container or login, the sockets of a process, and what to change. Run "
             "it where the agent runs: in its container, as its user.",
    .exits = exits,
    .examples = "vagus doctor\n"
                "vagus doctor --policy agent.yaml --json\n",
    .run = run,
};
