/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys of a budget say together. */
#include <string.h>

#include "config/check.h"
#include "config/quote.h"

/* A gauge says what is left: of what goes with a limit, nothing goes with it. */
static void check_live(struct check *check, const struct tree_node *budget)
{
    static const char *const others[] = {"limit", "window", "counts", "warning", "critical"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const struct tree_node *other = tree_member(budget, others[i]);
        if (other != NULL)
            check_fault(
                check, other->key_place,
                "\"%s\" does not go with \"live\": the gauge says what is left; a rule on it "
                "raises signals",
                others[i]);
    }
}

void check_budget(struct check *check, const struct tree_node *budget)
{
    const struct tree_node *window = check_valid_member(budget, "window");
    const struct tree_node *warning = tree_member(budget, "warning");
    const struct tree_node *critical = tree_member(budget, "critical");
    if (tree_member(budget, "live") != NULL) {
        check_live(check, budget);
        return;
    }
    if (tree_member(budget, "limit") == NULL)
        check_fault(
            check, budget->place,
            "a budget needs \"limit\": how much, or \"live\": the gauge that says what is left");
    if (window != NULL && window->value.whole > 0 && window->value.whole < VAGUS_SECOND_NS)
        check_fault(check, window->place, "window: %s is too short; expected 1 s or more",
                    quote(window->text).text);
    if (warning == NULL || critical == NULL)
        return;
    const struct tree_node *first = check_valid_member(warning, "at");
    const struct tree_node *second = check_valid_member(critical, "at");
    if (first != NULL && second != NULL && first->value.number >= second->value.number)
        check_fault(check, second->place,
                    "an impossible order: critical at %s comes no later than warning at %s",
                    quote_plain(second->text).text, quote_plain(first->text).text);
    first = check_valid_member(warning, "raise");
    second = check_valid_member(critical, "raise");
    if (first != NULL && second != NULL && first->value.whole >= second->value.whole)
        check_fault(check, second->place,
                    "critical raises %s, which is no graver than warning's %s",
                    quote_plain(second->text).text, quote_plain(first->text).text);
}
