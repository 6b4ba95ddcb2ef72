/* SPDX-License-Identifier: Apache-2.0 */
/* vagus check, from its arguments to what is printed. The kinds and the frame of the command are
 * stand-ins, weak so that the real ones win where they are linked. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "cli/verb_check.c" /* the command is no part of the library */

extern const char *const judge_kind_names[];
__attribute__((weak)) const char *const judge_kind_names[] = {"level", NULL};

static bool colour;

__attribute__((weak)) bool cli_colour(FILE *stream)
{
    (void)stream;
    return colour;
}

__attribute__((weak)) int cli_usage_error(const struct cli_verb *verb, const char *format, ...)
{
    (void)verb, (void)format;
    return CLI_USAGE;
}

__attribute__((weak)) int cli_error(const struct cli_verb *verb, const char *format, ...)
{
    (void)verb, (void)format;
    return CLI_FAILED;
}

static char folder[] = "/tmp/vagus-test-XXXXXX";
static char path[128];
static char output[64 * 1024];

static void put(const char *name, const char *text)
{
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, 0600) != 0)
        CHECK_FAIL_("%s cannot be written", path);
}

/* Runs the verb and keeps what it prints in `output`. */
static int check(char *option, char *file)
{
    char *arguments[4] = {(char *)"check"};
    int count = 1;
    if (option != NULL)
        arguments[count++] = option;
    if (file != NULL)
        arguments[count++] = file;
    FILE *kept = tmpfile();
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    dup2(fileno(kept), STDOUT_FILENO);
    int code = cli_verb_check.run(count, arguments);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(kept);
    output[fread(output, 1, sizeof(output) - 1, kept)] = '\0';
    fclose(kept);
    return code;
}

static void a_good_file(void)
{
    char wanted[200];
    put("good.yaml", "rules:\n- {name: a, metric: b, throttle: {above: 2, clear: 1}}\n");
    CHECK_EQ(check(NULL, path), CLI_OK);
    snprintf(wanted, sizeof(wanted), "%s: ok, 1 rule\n", path);
    CHECK_STR(output, wanted);
    CHECK_EQ(check((char *)"--json", path), CLI_OK);
    CHECK_CONTAINS(output, "\"ok\": true, \"rules\": 1, \"errors\": 0, \"warnings\": 0, "
                           "\"faults\": []}\n");
    put("good.yaml", "agent: a\n");
    CHECK_EQ(check(NULL, path), CLI_OK);
    CHECK_CONTAINS(output, ":1:1: warning: there are no rules");
    CHECK_CONTAINS(output, ": ok, 0 rules, 1 warning\n");
    unlink(path);
}

static void five_faults(void)
{
    put("bad.yaml", "agent: Bad\n"
                    "rules:\n"
                    "  - name: a\n"
                    "    metrics: b\n"
                    "    window: 500\n"
                    "    throttle: {below: 20%, clear: 10%}\n");
    CHECK_EQ(check(NULL, path), CLI_FAILED);
    static const char *const places[] = {
        ":1:8: error: ", ":3:5: error: ", ":4:5: error: ", ":5:13: error: ", ":6:35: error: "};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        CHECK_CONTAINS(output, places[i]);
    CHECK_CONTAINS(output, "did you mean \"metric\"?");
    CHECK_CONTAINS(output, "    5 |     window: 500\n      |             ^\n");
    CHECK_CONTAINS(output, ": 5 faults\n");
    CHECK(strchr(output, '\033') == NULL);
    CHECK_EQ(check((char *)"--json", path), CLI_FAILED);
    CHECK_CONTAINS(output, "\"ok\": false, \"rules\": null, \"errors\": 5");
    CHECK_CONTAINS(output, "{\"line\": 5, \"column\": 13, \"severity\": \"error\", \"code\": "
                           "\"VAGUS_EPOLICY\", \"text\": \"window: \\\"500\\\" has no unit");
    unlink(path);
}

static void carets_find_their_column(void)
{
    put("wide.yaml", "watch: {paths: [\"\u00e4\u20ac\", \"\x01\"]}\n");
    CHECK_EQ(check(NULL, path), CLI_FAILED); /* a control character is not YAML: shown escaped */
    CHECK_CONTAINS(output, "\u00e4\u20ac\", \"\\x01\"]}\n");
    char line[600];
    snprintf(line, sizeof(line), "watch: {paths: [%0400d, 5, 5]}\n", 1);
    put("wide.yaml", line);
    CHECK_EQ(check(NULL, path), CLI_FAILED);
    CHECK_CONTAINS(output, "    1 | \u2026000");
    const char *caret = strrchr(output, '^'), *start = caret;
    REQUIRE(caret != NULL);
    while (start > output && start[-1] != '\n')
        start--;
    CHECK_EQ(caret - start, 8 + 1 + SHOWN_BEFORE);
    unlink(path);
}

static void hostile_names(void)
{
    put("\x1b[31m\n.yaml", "agent: a\n");
    CHECK_EQ(check(NULL, path), CLI_OK);
    CHECK(strchr(output, '\x1b') == NULL);
    CHECK_CONTAINS(output, "/\\x1b[31m\\x0a.yaml:1:1: warning");
    CHECK_EQ(check((char *)"--json", path), CLI_OK);
    CHECK_CONTAINS(output, "/\\u001b[31m\\u000a.yaml\"");
    unlink(path);
}

static void no_file(void)
{
    snprintf(path, sizeof(path), "%s/none", folder);
    CHECK_EQ(check(NULL, path), CLI_FAILED);
    CHECK_CONTAINS(output, "/none: error: it cannot be opened: No such file");
    CHECK_EQ(check(NULL, folder), CLI_FAILED);
    CHECK_CONTAINS(output, "expected a regular file");
}

static void usage(void)
{
    CHECK_EQ(check(NULL, NULL), CLI_USAGE);
    CHECK_EQ(check((char *)"--jsn", path), CLI_USAGE);
    CHECK_EQ(check((char *)"a", (char *)"b"), CLI_USAGE);
}

int main(void)
{
    if (mkdtemp(folder) == NULL)
        return 1;
    RUN(a_good_file);
    RUN(five_faults);
    RUN(carets_find_their_column);
    RUN(hostile_names);
    RUN(no_file);
    RUN(usage);
    rmdir(folder);
    return check_result();
}
