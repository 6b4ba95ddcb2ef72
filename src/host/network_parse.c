/* SPDX-License-Identifier: Apache-2.0 */
/* The texts in which the kernel tells of the network, over any bytes. */
#include <string.h>

#include "host/network.h"
#include "host/parse.h"

/* bytes packets errs drop fifo frame compressed multicast, then the same of what was sent with
 * colls and carrier: since Linux 2.1. */
bool host_parse_interface(const char *line, size_t length, struct host_interface *interface)
{
    struct parse rest = parse_text(line, length), name;
    struct host_interface found = {0};
    uint64_t *const c = found.counts;
    while (rest.at < rest.end && *rest.at == ' ')
        rest.at++;
    if (!parse_until(&rest, ':', &name))
        return false;
    size_t bytes = (size_t)(name.end - name.at);
    if (bytes == 0 || bytes >= sizeof(found.name) || memchr(name.at, '\0', bytes) != NULL)
        return false;
    memcpy(found.name, name.at, bytes);
    for (size_t i = 0; i < 4; i++)
        if (!parse_u64(&rest, &c[HOST_RECEIVED_BYTES + i]))
            return false;
    if (!parse_skip_words(&rest, 4))
        return false;
    for (size_t i = 0; i < 4; i++)
        if (!parse_u64(&rest, &c[HOST_SENT_BYTES + i]))
            return false;
    *interface = found;
    return true;
}

/* Numbers of these files may be negative ("MaxConn -1"); those are passed over as words. */
static bool take_value(struct parse names, struct parse values, const char *wanted, uint64_t *value)
{
    struct parse name, word;
    while (parse_word(&names, &name)) {
        if (parse_equals(name, wanted))
            return parse_u64(&values, value);
        if (!parse_word(&values, &word))
            return false;
    }
    return false;
}

int host_parse_named(const char *text, size_t length, const char *group, const char *const *names,
                     uint64_t *values)
{
    struct parse rest = parse_text(text, length), heading, line;
    bool whole;
    while (parse_line(&rest, &heading, &whole)) {
        if (!parse_literal(&heading, group))
            continue;
        if (!whole || !parse_line(&rest, &line, &whole) || !whole || !parse_literal(&line, group))
            return VAGUS_EPARSE;
        line.end++; /* the newline ends the last number */
        uint64_t found[8];
        size_t count = 0;
        for (; names[count] != NULL; count++)
            if (count == 8 || !take_value(heading, line, names[count], &found[count]))
                return VAGUS_EPARSE;
        memcpy(values, found, count * sizeof(*values));
        return 0;
    }
    return VAGUS_EPARSE;
}

/* "TCP: inuse 1 orphan 0 tw 1 alloc 1 mem 227". */
static bool keyed(const char *text, size_t length, const char *protocol, const char *key,
                  uint64_t *value)
{
    struct parse rest = parse_text(text, length), line, word;
    bool whole;
    while (parse_line(&rest, &line, &whole)) {
        if (!parse_literal(&line, protocol))
            continue;
        line.end += whole;
        while (parse_word(&line, &word))
            if (parse_equals(word, key))
                return parse_u64(&line, value);
        return false;
    }
    return false;
}

int host_parse_sockets(const char *text, size_t length, long page_bytes,
                       struct host_sockets *sockets)
{
    struct host_sockets s;
    uint64_t pages;
    if (!keyed(text, length, "sockets:", "used", &s.used) ||
        !keyed(text, length, "TCP:", "inuse", &s.tcp) ||
        !keyed(text, length, "TCP:", "orphan", &s.tcp_orphan) ||
        !keyed(text, length, "TCP:", "tw", &s.tcp_time_wait) ||
        !keyed(text, length, "TCP:", "mem", &pages) ||
        !keyed(text, length, "UDP:", "inuse", &s.udp) ||
        __builtin_mul_overflow(pages, (uint64_t)page_bytes, &s.tcp_memory_bytes))
        return VAGUS_EPARSE;
    *sockets = s;
    return 0;
}

int host_parse_sockets6(const char *text, size_t length, struct host_sockets *sockets)
{
    struct host_sockets s = *sockets;
    uint64_t tcp, udp;
    if (!keyed(text, length, "TCP6:", "inuse", &tcp) ||
        !keyed(text, length, "UDP6:", "inuse", &udp) ||
        __builtin_add_overflow(s.tcp, tcp, &s.tcp) || __builtin_add_overflow(s.udp, udp, &s.udp))
        return VAGUS_EPARSE;
    *sockets = s;
    return 0;
}
