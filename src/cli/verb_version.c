/* SPDX-License-Identifier: Apache-2.0 */
/* `vagus version`: the library that runs, and what it was made of. CMake defines BUILT_WITH, the
 * versions of the libraries, and BUILT_AS, the kind of build. */
#include "cli/cli.h"
#include "vagus/base.h"

extern const struct cli_verb cli_verb_version;

static int run(int argc, char **argv)
{
    if (cli_parse(&cli_verb_version, argc, argv, NULL) != CLI_OK)
        return CLI_USAGE;
    printf("vagus %s\n", vagus_version());
#ifdef __clang__
    printf("compiler   clang %s\n", __clang_version__);
#else
    printf("compiler   gcc %s\n", __VERSION__);
#endif
    printf("build      " BUILT_AS "\n");
    printf("libraries  " BUILT_WITH "\n");
    return CLI_OK;
}

static const struct cli_exit exits[] = {
    {0, "printed"},
    {0},
};

const struct cli_verb cli_verb_version = {
    .name = "version",
    .summary = "print the version and how it was built",
    .about = "Prints the version of the library that runs, its compiler, and the libraries that it "
             "was built with.",
    .exits = exits,
    .examples = "vagus version\n",
    .run = run,
};
