/* SPDX-License-Identifier: Apache-2.0 */
/* The screen: wrapping, cutting, bars. */
#include "check.h"
#include "report/screen.h"

static char output[1024];
static struct text text;
static struct screen screen;

static void begin(bool colour)
{
    text_init(&text, output, sizeof(output));
    screen_init(&screen, &text, 0, colour);
}

static void add_many(const char *string, unsigned times)
{
    while (times-- > 0)
        screen_add(&screen, SCREEN_PLAIN, string);
}

static void words_go_on_below(void)
{
    begin(false);
    add_many("x", 70);
    screen.indent = 2;
    screen_words(&screen, SCREEN_PLAIN, " eight ch tail of it");
    CHECK_STR(output + 70, " eight ch\n  tail of it");
}

static void a_word_longer_than_a_line_is_broken(void)
{
    char word[101];
    memset(word, 'w', 100);
    word[100] = '\0';
    begin(false);
    add_many("x", 4);
    screen.indent = 2;
    screen_words(&screen, SCREEN_PLAIN, word);
    CHECK_EQ(strcspn(output, "\n"), 4);
    CHECK_EQ(strcspn(output + 5, "\n"), 80);
    CHECK_EQ(strlen(output), 5 + 80 + 1 + 2 + 22);
}

static void columns_are_characters(void)
{
    begin(false);
    add_many("█", 78);
    screen_cut(&screen, SCREEN_PLAIN, "äöü");
    CHECK_EQ(screen.column, 80);
    CHECK_STR(output + 78 * 3, "ä…");
}

static void items_are_separated_or_wrapped(void)
{
    begin(false);
    screen.indent = 4;
    screen_item(&screen, SCREEN_PLAIN, "one");
    screen_item(&screen, SCREEN_PLAIN, "two");
    CHECK_STR(output, "one · two");
    add_many("x", 70);
    screen_item(&screen, SCREEN_PLAIN, "three");
    CHECK_STR(strchr(output, '\n'), "\n    three");
}

static void bars_take_any_number(void)
{
    static const struct {
        double ratio;
        const char *bar;
    } cases[] = {{0, "░░░░"},     {0.5, "██░░"},  {1, "████"},        {7, "████"},
                 {-1, "░░░░"},    {NAN, "░░░░"},  {INFINITY, "████"}, {-INFINITY, "░░░░"},
                 {1e308, "████"}, {0.12, "░░░░"}, {0.13, "█░░░"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(false);
        screen_bar(&screen, SCREEN_GOOD, cases[i].ratio, 4);
        CHECK_STR(output, cases[i].bar);
        CHECK_EQ(screen.column, 4);
    }
}

static void colours_take_no_columns(void)
{
    begin(true);
    screen_add(&screen, SCREEN_BAD, "no");
    CHECK_STR(output, "\033[1;31mno\033[0m");
    CHECK_EQ(screen.column, 2);
}

int main(void)
{
    RUN(words_go_on_below);
    RUN(a_word_longer_than_a_line_is_broken);
    RUN(columns_are_characters);
    RUN(items_are_separated_or_wrapped);
    RUN(bars_take_any_number);
    RUN(colours_take_no_columns);
    return check_result();
}
