/* SPDX-License-Identifier: Apache-2.0 */
/* Completion, by the tables of the verbs and by what runs. All three shells ask this one place. */
#include "cli/complete.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/verbs.h"
#include "segment/reader.h"

#define METRICS_MAX 4096
#define AGENTS_MAX 64

struct completion {
    const struct cli_verb *verb;
    const char *current; /* the word up to the cursor, without the option before a '=' */
    const char *before;  /* "--policy=", or "" */
    const char *process; /* as -p says so far; NULL */
    const char *dir;
    unsigned operands;                   /* before this word */
    bool operands_only;                  /* after "--" */
    bool given[64];                      /* of the verb's arguments */
    const struct cli_argument *awaiting; /* the option whose value this is; NULL */
    FILE *stream;
};

static void offer(const struct completion *completion, const char *word, const char *about)
{
    char shown[512];
    struct text text;
    if (strncmp(word, completion->current, strlen(completion->current)) != 0)
        return;
    text_init(&text, shown, sizeof(shown));
    text_add_safe(&text, about, 200);
    fprintf(completion->stream, "%s%s\t%s\n", completion->before, word, shown);
}

/* --- What runs. --- */

struct agents {
    const struct completion *completion;
    char seen[AGENTS_MAX][SEGMENT_AGENT_MAX];
    unsigned count;
};

static bool offer_process(const struct segment_found *found, void *arg)
{
    struct agents *agents = arg;
    char pid[32], about[128];
    if (found->error != 0 || !text_is_name(found->header.agent, SEGMENT_AGENT_MAX - 1))
        return true;
    snprintf(about, sizeof(about), "%.64s%s", found->header.program, found->alive ? "" : ", ended");
    unsigned i = 0;
    while (i < agents->count && strcmp(agents->seen[i], found->header.agent) != 0)
        i++;
    if (i == agents->count && i < AGENTS_MAX) {
        text_copy(agents->seen[agents->count++], SEGMENT_AGENT_MAX, found->header.agent);
        offer(agents->completion, found->header.agent, about);
    }
    snprintf(pid, sizeof(pid), "%lld", (long long)found->header.pid);
    snprintf(about, sizeof(about), "%.33s, %.64s%s", found->header.agent, found->header.program,
             found->alive ? "" : ", ended");
    offer(agents->completion, pid, about);
    return true;
}

static void offer_metrics_of(const struct completion *completion, struct segment_reader *reader)
{
    struct segment_head head;
    uint64_t count = reader->header.sections[SEGMENT_DIRECTORY].capacity, got = 0;
    count = count < METRICS_MAX ? count : METRICS_MAX;
    struct segment_metric *metrics = calloc(count + 1, sizeof(*metrics));
    if (metrics == NULL ||
        segment_read_entries(reader, SEGMENT_DIRECTORY, 0, count, metrics, &got, &head) != 0)
        got = 0;
    for (uint64_t i = 0; i < got; i++) {
        bool known = !text_is_name(metrics[i].name, VAGUS_NAME_MAX - 1);
        for (uint64_t k = i; k > 0 && !known; k--) /* instances of one metric mostly lie together */
            known = strcmp(metrics[k - 1].name, metrics[i].name) == 0;
        if (!known)
            offer(completion, metrics[i].name, metrics[i].help);
    }
    free(metrics);
}

/* The first that is meant, which is the newest that runs if any does. */
static bool offer_metrics(const struct segment_found *found, void *arg)
{
    const struct completion *completion = arg;
    const char *wanted = completion->process;
    char pid[32];
    struct segment_reader reader;
    snprintf(pid, sizeof(pid), "%lld", (long long)found->header.pid);
    if (found->error != 0 ||
        (wanted != NULL && strcmp(wanted, pid) != 0 && strcmp(wanted, found->header.agent) != 0 &&
         strcmp(wanted, found->header.program) != 0) ||
        segment_attach(found->path, &reader) != 0)
        return true;
    offer_metrics_of(completion, &reader);
    segment_detach(&reader);
    return false;
}

/* --- Values. --- */

static void offer_verbs(const struct completion *completion)
{
    for (size_t i = 0; cli_verbs[i] != NULL; i++)
        if (!cli_verbs[i]->hidden)
            offer(completion, cli_verbs[i]->name, cli_verbs[i]->summary);
}

static void offer_spans(const struct completion *completion)
{
    static const char *const spans[] = {"1m", "10m", "1h", "6h", "24h", NULL};
    for (size_t i = 0; spans[i] != NULL; i++)
        offer(completion, spans[i], "back from now");
}

static void offer_values(struct completion *completion, const struct cli_argument *argument)
{
    struct agents agents = {.completion = completion};
    bool file = argument->kind == CLI_FILE, folder = argument->kind == CLI_DIR;
    fputs(file ? ":files\n" : folder ? ":folders\n" : ":words\n", completion->stream);
    switch (argument->kind) {
    case CLI_PROCESS:
        segment_list(completion->dir, offer_process, &agents);
        break;
    case CLI_METRIC:
        segment_list(completion->dir, offer_metrics, completion);
        break;
    case CLI_VERB:
        offer_verbs(completion);
        break;
    case CLI_SPAN:
        offer_spans(completion);
        break;
    case CLI_WORD:
        for (size_t i = 0; argument->words[i] != NULL; i++)
            offer(completion, argument->words[i], argument->help);
        break;
    case CLI_END:
    case CLI_FLAG:
    case CLI_TEXT:
    case CLI_FILE:
    case CLI_DIR:
    case CLI_NUMBER:
        break;
    }
}

static void offer_options(struct completion *completion)
{
    const struct cli_argument *at = completion->verb->arguments;
    fputs(":words\n", completion->stream);
    for (size_t i = 0; at != NULL && at[i].kind != CLI_END; i++) {
        char word[64];
        if (cli_is_operand(&at[i]) || (at[i].flags & CLI_HIDDEN) || completion->given[i])
            continue;
        if (at[i].name != NULL)
            snprintf(word, sizeof(word), "--%s", at[i].name);
        else
            snprintf(word, sizeof(word), "-%c", at[i].letter);
        offer(completion, word, at[i].help);
    }
    offer(completion, "--help", "print the help of this verb");
}

/* --- Where on the line this is. --- */

/* The option that a word is or begins with; *value: what follows it in the same word, or NULL. */
static const struct cli_argument *find_option(const struct cli_verb *verb, const char *word,
                                              const char **value)
{
    const struct cli_argument *at = verb->arguments;
    *value = NULL;
    if (word[0] != '-' || word[1] == '\0')
        return NULL;
    for (; at != NULL && at->kind != CLI_END; at++) {
        size_t length = at->name != NULL ? strlen(at->name) : 0;
        if (word[1] != '-' && at->letter != 0 && word[1] == at->letter) {
            *value = word[2] != '\0' ? word + 2 : NULL;
            return at;
        }
        if (word[1] == '-' && length > 0 && strncmp(word + 2, at->name, length) == 0 &&
            (word[2 + length] == '\0' || word[2 + length] == '=')) {
            *value = word[2 + length] == '=' ? word + 3 + length : NULL;
            return at;
        }
    }
    return NULL;
}

static void note_value(struct completion *completion, const struct cli_argument *option,
                       const char *value)
{
    if (option->kind == CLI_PROCESS)
        completion->process = value;
    else if (option->kind == CLI_DIR && option->name != NULL && strcmp(option->name, "dir") == 0)
        completion->dir = value;
}

static void read_word(struct completion *completion, const char *word)
{
    const char *value;
    if (completion->awaiting != NULL) {
        note_value(completion, completion->awaiting, word);
        completion->awaiting = NULL;
        return;
    }
    const struct cli_argument *option =
        completion->operands_only ? NULL : find_option(completion->verb, word, &value);
    if (option == NULL) {
        if (strcmp(word, "--") == 0)
            completion->operands_only = true;
        else if (completion->operands_only || word[0] != '-')
            completion->operands++;
        return;
    }
    size_t index = (size_t)(option - completion->verb->arguments);
    if (index < sizeof(completion->given))
        completion->given[index] = true;
    if (value != NULL)
        note_value(completion, option, value);
    else if (option->kind != CLI_FLAG)
        completion->awaiting = option;
}

static const struct cli_argument *find_operand(const struct completion *completion)
{
    const struct cli_argument *at = completion->verb->arguments;
    unsigned before = completion->operands;
    for (; at != NULL && at->kind != CLI_END; at++) {
        if (!cli_is_operand(at))
            continue;
        if (before == 0 || (at->flags & CLI_MANY))
            return at;
        before--;
    }
    return NULL;
}

/* The current word: the value of an option, an option, or an operand. */
static void complete_word(struct completion *completion, const char *word)
{
    static char before[64];
    const char *value;
    if (completion->awaiting != NULL) {
        offer_values(completion, completion->awaiting);
        return;
    }
    const struct cli_argument *option =
        completion->operands_only ? NULL : find_option(completion->verb, word, &value);
    if (option != NULL && value != NULL && option->kind != CLI_FLAG) {
        snprintf(before, sizeof(before), "%.*s", (int)(value - word), word);
        completion->before = before;
        completion->current = value;
        offer_values(completion, option);
        return;
    }
    const struct cli_argument *operand = find_operand(completion);
    if (operand != NULL && (completion->operands_only || word[0] != '-'))
        offer_values(completion, operand);
    else if (!completion->operands_only)
        offer_options(completion);
}

void complete(char **words, FILE *stream)
{
    struct completion completion = {.current = words[0], .before = "", .stream = stream};
    if (words[1] == NULL) {
        fputs(":words\n", stream);
        offer_verbs(&completion);
        return;
    }
    completion.verb = cli_verb_find(words[0]);
    if (completion.verb == NULL)
        return;
    size_t last = 1;
    for (; words[last + 1] != NULL; last++)
        read_word(&completion, words[last]);
    completion.current = words[last];
    complete_word(&completion, words[last]);
}
