/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML document as a tree in which every node knows where it stands. One bounded pass; what a
 * policy has no use for (anchors, aliases, tags, further documents) becomes a fault. */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vagus/base.h"

#define TREE_DEPTH_MAX 16
#define TREE_NODES_MAX 65536
#define TREE_SCALAR_BYTES_MAX 4096
#define TREE_KEYS_MAX 256

enum tree_kind {
    TREE_SCALAR,
    TREE_MAPPING,
    TREE_SEQUENCE,
    TREE_REFUSED, /* an alias: a fault was noted, nothing more is to be said about it */
};

struct tree_place {
    uint32_t line, column; /* 1-based; columns count characters */
};

struct tree_node {
    enum tree_kind kind;
    bool plain;     /* a scalar without quotes */
    bool valid;     /* the check understood it: `value` may be used */
    bool of_preset; /* it was merged in from a preset: its place is that of `extends` */
    struct tree_place place;
    struct tree_place key_place;
    const char *key;         /* NULL unless it is a member of a mapping */
    const char *text;        /* of a scalar */
    struct tree_node *first; /* members or entries, in the order of the file */
    struct tree_node *last;
    struct tree_node *next;
    uint32_t count;
    uint64_t content; /* of a rule that was understood: a hash of what it says */
    /* What the check made of the text, in base units; the schema says which one. */
    union {
        bool truth;
        int64_t whole;
        double number;
    } value;
};

struct tree {
    struct tree_node *root; /* NULL: there is none, and a fault says why */
    struct tree_chunk *chunks;
    uint32_t node_count;
};

/* Builds the tree. 0 (faults may have been added all the same), VAGUS_EPOLICY (one was added that
 * ends all further checking) or VAGUS_ENOMEM. The tree is to be finished in any case. */
int tree_parse(struct tree *tree, const char *text, size_t length, struct vagus_fault_list *faults);
void tree_finish(struct tree *tree);

/* The nodes of `from` live as long as `tree` from now on; `from` is empty. */
void tree_absorb(struct tree *tree, struct tree *from);

/* The member of that key, if there is one, comes before all others. */
void tree_bring_first(struct tree_node *mapping, const char *key);

/* The member of a mapping, or NULL. */
struct tree_node *tree_member(const struct tree_node *mapping, const char *key);

#endif
