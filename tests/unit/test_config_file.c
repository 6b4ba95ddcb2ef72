/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are read, and what is said about those that are not. Real files in a real folder. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "config/config.h"

static const char *const kinds[] = {"level", NULL};
static const struct config_vocabulary vocabulary = {.kinds = kinds};
static struct vagus_fault_list faults;
static char folder[] = "/tmp/vagus-test-XXXXXX";
static char path[64];

static void put(const char *bytes, size_t length)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0 ||
        chmod(path, 0600) != 0)
        CHECK_FAIL_("%s cannot be written", path);
}

static int load(void)
{
    static char marker;
    struct vagus_config *untouched = (struct vagus_config *)(void *)&marker, *config = untouched;
    int error = config_load(path, NULL, &vocabulary, &faults, &config);
    if (error == 0)
        config_free(config);
    else if (config != untouched)
        CHECK_FAIL_("the output was touched");
    if (error != 0)
        CHECK(faults.count > 0 && faults.errors > 0);
    return error;
}

#define POLICY "rules:\n  - {name: a, metric: b, throttle: {above: 2, clear: 1}}\n"

static void a_plain_file(void)
{
    put(POLICY, strlen(POLICY));
    CHECK_EQ(load(), 0);
    CHECK_STR(faults.source, path);
    put("\xef\xbb\xbf" POLICY, strlen(POLICY) + 3); /* a UTF-8 mark is harmless */
    CHECK_EQ(load(), 0);
    put("rules:\r\n  - {name: a, metric: b, throttle: {above: 2, clear: 1}}\r\n", 66);
    CHECK_EQ(load(), 0);
}

static void a_link_to_one(void)
{
    char target[80];
    put(POLICY, strlen(POLICY));
    snprintf(target, sizeof(target), "%s.target", path);
    REQUIRE(rename(path, target) == 0 && symlink(target, path) == 0);
    CHECK_EQ(load(), 0);
    unlink(path);
    unlink(target);
}

static void writable_by_others(void)
{
    put(POLICY, strlen(POLICY));
    static const mode_t modes[] = {0620, 0602, 0666};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        REQUIRE(chmod(path, modes[i]) == 0);
        CHECK_EQ(load(), VAGUS_EPERM);
        CHECK_CONTAINS(faults.faults[0].text, "chmod go-w ");
        CHECK_CONTAINS(faults.faults[0].text, path);
        CHECK_EQ(faults.faults[0].code, VAGUS_EPERM);
    }
}

static void of_another_owner(void)
{
    if (geteuid() != 0)
        SKIP_TEST("only root can give a file away");
    put(POLICY, strlen(POLICY));
    REQUIRE(chown(path, 12345, (gid_t)-1) == 0);
    CHECK_EQ(load(), VAGUS_EPERM);
    CHECK_CONTAINS(faults.faults[0].text, "user 12345");
    CHECK_CONTAINS(faults.faults[0].text, "chown 0 ");
    REQUIRE(seteuid(12345) == 0);
    CHECK_EQ(load(), VAGUS_EPERM); /* the folder is root's alone */
    REQUIRE(seteuid(0) == 0);
    REQUIRE(chmod(folder, 0755) == 0 && seteuid(12345) == 0);
    CHECK_EQ(load(), 0);
    REQUIRE(seteuid(0) == 0 && chown(path, 0, (gid_t)-1) == 0 && chmod(path, 0644) == 0);
    REQUIRE(seteuid(12345) == 0);
    CHECK_EQ(load(), 0); /* root's file is good for everybody */
    REQUIRE(seteuid(0) == 0 && chmod(path, 0600) == 0 && seteuid(12345) == 0);
    CHECK_EQ(load(), VAGUS_EPERM);
    CHECK_CONTAINS(faults.faults[0].text, "Permission denied");
    REQUIRE(seteuid(0) == 0 && chmod(folder, 0700) == 0);
}

static void no_regular_file(void)
{
    unlink(path);
    CHECK_EQ(load(), VAGUS_ENOENT);
    CHECK_CONTAINS(faults.faults[0].text, "No such file");
    REQUIRE(mkfifo(path, 0600) == 0);
    CHECK_EQ(load(), VAGUS_EIO); /* and at once */
    CHECK_CONTAINS(faults.faults[0].text, "a pipe; expected a regular file");
    unlink(path);
    REQUIRE(mkdir(path, 0700) == 0);
    CHECK_EQ(load(), VAGUS_EIO);
    CHECK_CONTAINS(faults.faults[0].text, "a folder; expected a regular file");
    rmdir(path);
    REQUIRE(symlink("/dev/zero", path) == 0);
    CHECK_EQ(load(), VAGUS_EIO);
    CHECK_CONTAINS(faults.faults[0].text, "a device; expected a regular file");
    unlink(path);
    REQUIRE(symlink(path, path) == 0);
    CHECK_EQ(load(), VAGUS_EIO);
    unlink(path);
}

static void too_large(void)
{
    char *big = malloc(CONFIG_FILE_BYTES_MAX + 2);
    memset(big, '#', CONFIG_FILE_BYTES_MAX + 2);
    put(big, CONFIG_FILE_BYTES_MAX + 1);
    CHECK_EQ(load(), VAGUS_EIO);
    CHECK_CONTAINS(faults.faults[0].text, "at most 1 MiB");
    memcpy(big, POLICY, strlen(POLICY));
    put(big, CONFIG_FILE_BYTES_MAX);
    CHECK_EQ(load(), 0);
    big[CONFIG_FILE_BYTES_MAX + 1] = '\0';
    struct vagus_config *config = NULL;
    CHECK_EQ(config_load(NULL, big, &vocabulary, &faults, &config), VAGUS_EPOLICY);
    CHECK_CONTAINS(faults.faults[0].text, "longer than 1 MiB");
    free(big);
}

static void refused(const char *bytes, size_t length, uint32_t line, uint32_t column,
                    const char *words)
{
    put(bytes, length);
    CHECK_EQ(load(), VAGUS_EPOLICY);
    CHECK_EQ(faults.faults[0].line, line);
    CHECK_EQ(faults.faults[0].column, column);
    CHECK_CONTAINS(faults.faults[0].text, words);
}

static void strange_bytes(void)
{
    refused("", 0, 1, 1, "empty");
    refused("\n\n# nothing\n", 12, 1, 1, "empty");
    refused("---\n", 4, 2, 1, "empty");
    refused("\xff\xfe"
            "a\0:\0",
            6, 1, 1, "UTF-16");
    refused("\xfe\xff\0a\0:", 6, 1, 1, "UTF-16");
    refused("rules: []\nagent: a\0b\n", 21, 2, 9, "zero byte");
    refused("rules: []\nagent: \xff\n", 19, 2, 8, "not valid YAML");
    refused("rules: []\nagent: \x01\n", 19, 2, 8, "not valid YAML");
    refused("\0\0\0\0", 4, 1, 1, "zero byte");
}

static void names_cannot_hurt_a_terminal(void)
{
    snprintf(path, sizeof(path), "%s/\x1b[31m", folder);
    put(POLICY, strlen(POLICY));
    REQUIRE(chmod(path, 0666) == 0);
    CHECK_EQ(load(), VAGUS_EPERM);
    CHECK(strchr(faults.faults[0].text, '\x1b') == NULL);
    unlink(path);
}

int main(void)
{
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof(path), "%s/policy.yaml", folder);
    RUN(a_plain_file);
    RUN(a_link_to_one);
    RUN(writable_by_others);
    RUN(of_another_owner);
    RUN(no_regular_file);
    RUN(too_large);
    RUN(strange_bytes);
    unlink(path);
    RUN(names_cannot_hurt_a_terminal);
    rmdir(folder);
    return check_result();
}
