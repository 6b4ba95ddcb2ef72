/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of a verb out of argv, and the tables of all verbs. */
#include "base/clock.h"
#include "check.h"
#include "cli/verbs.h"
#include "cli_fixture.h"

static const char *const colours[] = {"red", "green", NULL};

struct given {
    const char *metric, *process, *file;
    char **more;
    uint64_t count;
    int64_t span_ns;
    int colour;
    bool json, fast;
};

static const struct cli_argument takes[] = {
    {.kind = CLI_METRIC, .value = "METRIC[{X}]", .help = "h", CLI_AT(struct given, metric)},
    {.flags = CLI_OPTIONAL | CLI_MANY,
     .kind = CLI_FILE,
     .value = "FILE",
     .help = "h",
     CLI_AT(struct given, more)},
    CLI_PROCESS_OPTION(struct given),
    {.name = "count",
     .letter = 'n',
     .kind = CLI_NUMBER,
     .value = "N",
     .help = "h",
     CLI_AT(struct given, count)},
    {.name = "last", .kind = CLI_SPAN, .value = "TIME", .help = "h", CLI_AT(struct given, span_ns)},
    {.name = "colour",
     .kind = CLI_WORD,
     .value = "COLOUR",
     .help = "h",
     .words = colours,
     CLI_AT(struct given, colour)},
    {.letter = 'f', .kind = CLI_FLAG, .help = "h", CLI_AT(struct given, fast)},
    CLI_JSON_OPTION(struct given),
    {0},
};

static const struct cli_exit exits[] = {{0, "fine"}, {0}};
static const struct cli_verb verb = {.name = "try",
                                     .summary = "s",
                                     .arguments = takes,
                                     .about = "a",
                                     .exits = exits,
                                     .examples = ""};

static struct given given;

/* Parses words that are divided by spaces. */
static int parse(const char *line)
{
    static char words[512];
    static char *argv[32];
    int argc = 0;
    snprintf(words, sizeof(words), "try %s", line);
    for (char *word = strtok(words, " "); word != NULL && argc < 31; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    given = (struct given){.span_ns = 7, .colour = -1};
    message[0] = '\0';
    return cli_parse(&verb, argc, argv, &given);
}

static void operands_and_options_may_be_mixed(void)
{
    CHECK_EQ(parse("--json cpu.load -p agent a -n 3 b --last=10m -f --colour green"), CLI_OK);
    CHECK_STR(given.metric, "cpu.load");
    CHECK_STR(given.process, "agent");
    CHECK_STR(given.more[0], "a");
    CHECK_STR(given.more[1], "b");
    CHECK(given.more[2] == NULL);
    CHECK_EQ(given.count, 3);
    CHECK_EQ(given.span_ns, 600 * VAGUS_SECOND_NS);
    CHECK_EQ(given.colour, 1);
    CHECK(given.json && given.fast);
    CHECK_EQ(parse("cpu.load"), CLI_OK);
    CHECK_EQ(given.span_ns, 7); /* what is not named keeps its default */
    CHECK(given.more == NULL && !given.json);
    CHECK_EQ(parse("-fp7 x"), CLI_OK);
    CHECK_STR(given.process, "7");
    CHECK_EQ(parse("-- --json"), CLI_OK);
    CHECK_STR(given.metric, "--json");
}

static void mistakes_are_named(void)
{
    CHECK_EQ(parse(""), CLI_USAGE);
    CHECK_STR(message, "which metric?");
    CHECK_EQ(parse("x --jsno"), CLI_USAGE);
    CHECK_STR(message, "unknown option --jsno; did you mean --json?");
    CHECK_EQ(parse("x --lsat=3s"), CLI_USAGE);
    CHECK_CONTAINS(message, "did you mean --last?");
    CHECK_EQ(parse("x --entirely"), CLI_USAGE);
    CHECK_STR(message, "unknown option --entirely");
    CHECK_EQ(parse("x -fq"), CLI_USAGE);
    CHECK_STR(message, "unknown option -q");
    CHECK_EQ(parse("x -p"), CLI_USAGE);
    CHECK_STR(message, "-p needs a value");
    CHECK_EQ(parse("x --json=3"), CLI_USAGE);
    CHECK_STR(message, "--json takes no value");
    CHECK_EQ(parse("x --colour gren"), CLI_USAGE);
    CHECK_STR(message, "--colour 'gren' is none of red, green; did you mean 'green'?");
    CHECK_EQ(parse("x --last 10"), CLI_USAGE);
    CHECK_CONTAINS(message, "--last '10' has no unit");
    static const char *const no_numbers[] = {"0", "-1", "1.5", "0x3", "", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(no_numbers) / sizeof(no_numbers[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "x --count=%s", no_numbers[i]);
        CHECK_EQ(parse(line), CLI_USAGE);
        CHECK_CONTAINS(message, "is no whole number");
    }
}

/* What a verb's own table may get wrong, and no compiler sees. */
static void the_tables_are_whole(void)
{
    for (size_t v = 0; cli_verbs[v] != NULL; v++) {
        const struct cli_verb *one = cli_verbs[v];
        check_now = one->name;
        CHECK(one->summary != NULL && one->about != NULL && one->examples != NULL);
        CHECK(one->exits != NULL && one->exits[0].meaning != NULL);
        CHECK(strlen(one->summary) <= 66 && strchr(one->summary, '.') == NULL);
        CHECK_CONTAINS(one->examples, one->name);
        bool many = false;
        const struct cli_argument *at = one->arguments;
        for (; at != NULL && at->kind != CLI_END; at++) {
            CHECK(at->help != NULL && at->help[strlen(at->help) - 1] != '.');
            CHECK((at->value == NULL) == (at->kind == CLI_FLAG));
            CHECK((at->words != NULL) == (at->kind == CLI_WORD));
            CHECK(!many || !cli_is_operand(at));
            many |= (at->flags & CLI_MANY) != 0;
            for (const struct cli_argument *other = one->arguments; other < at; other++)
                CHECK((at->letter == 0 || at->letter != other->letter) &&
                      (at->name == NULL || other->name == NULL ||
                       strcmp(at->name, other->name) != 0));
        }
        CHECK(at == NULL || at - one->arguments <= 32);
    }
}

static void help_fits_the_terminal(void)
{
    static char shown[64 * 1024];
    for (size_t v = 0; cli_verbs[v] != NULL; v++) {
        struct capture out;
        capture_begin(&out, stdout);
        verb_help(cli_verbs[v], stdout);
        capture_end(&out, shown, sizeof(shown));
        CHECK_CONTAINS(shown, cli_verbs[v]->name);
        for (char *line = strtok(shown, "\n"); line != NULL; line = strtok(NULL, "\n"))
            if (strlen(line) > 80)
                CHECK_FAIL_("%s: %s", cli_verbs[v]->name, line);
    }
}

int main(void)
{
    RUN(operands_and_options_may_be_mixed);
    RUN(mistakes_are_named);
    RUN(the_tables_are_whole);
    RUN(help_fits_the_terminal);
    return check_result();
}
