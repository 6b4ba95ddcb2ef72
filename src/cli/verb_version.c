/* SPDX-License-Identifier: Apache-2.0 */
/* `vagus version`: the library that runs, and what it was made of. CMake defines BUILT_WITH, the
 * versions of the libraries, and BUILT_AS, the kind of build. */
#include "cli/cli.h"
#include "vagus/base.h"

extern const struct cli_verb cli_verb_version;

static int run(int argc, char **argv)
{
    if (argc > 1)
        return cli_usage_error(&cli_verb_version, "takes no argument, not '%s'", argv[1]);
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

const struct cli_verb cli_verb_version = {
    .name = "version",
    .summary = "print the version and how it was built",
    .synopsis = "",
    .help = "Prints the version of the library that runs, its compiler, and the libraries\n"
            "that it was built with. Exit code 0.\n"
            "\n"
            "example: vagus version\n",
    .run = run,
};
