/* The limit: messages encoded beforehand are sent, and answers counted. What a program takes beyond this is its own.
 *
 * limit LAYOUT N STRATEGY K, in the namespace that benches/run makes. Strategies:
 *   all   K requests in a datagram, each with NLM_F_ACK
 *   last  K requests in a datagram, of which the last has NLM_F_ACK
 * limit plan QUEUES: only receives the lists that a plan of subscribers over so many queues is made from.
 * limit lists N: only lists N classes that are there, below an mq, and asks for single ones.
 * Prints the phases that docs/PERFORMANCE.md explains, in milliseconds; with BENCH_CPU set, of the processor and not of the clock. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define DEV 10
#define QUEUES 16
#define SINGLE 1000

static int fd, mq, ack_all, per_datagram;
static char in[1 << 16];
static char *out;
static size_t *at;

static double now(void) {
    struct timespec t;
    clock_gettime(getenv("BENCH_CPU") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* Which class the subscriber has, and what it stands under. */
static unsigned parent_of(int i) { return mq ? (0x10u + i % QUEUES) << 16 : 0x10000u; }
static unsigned class_of(int i) { return parent_of(i) | (mq ? i / QUEUES + 1 : i + 1); }

static struct rtattr *put(struct nlmsghdr *n, int type, const void *data, int len) {
    struct rtattr *a = (void *)((char *)n + NLMSG_ALIGN(n->nlmsg_len));
    a->rta_type = type;
    a->rta_len = RTA_LENGTH(len);
    if (len) memcpy(RTA_DATA(a), data, len);
    n->nlmsg_len = NLMSG_ALIGN(n->nlmsg_len) + RTA_ALIGN(a->rta_len);
    return a;
}

static struct nlmsghdr *message(char *where, int type, int flags, unsigned handle, unsigned parent) {
    struct nlmsghdr *n = (void *)where;
    memset(where, 0, 256);
    n->nlmsg_len = NLMSG_LENGTH(sizeof(struct tcmsg));
    n->nlmsg_type = type;
    n->nlmsg_flags = NLM_F_REQUEST | flags;
    struct tcmsg *t = NLMSG_DATA(n);
    t->tcm_ifindex = DEV;
    t->tcm_handle = handle;
    t->tcm_parent = parent;
    return n;
}

static void put_class(struct nlmsghdr *n, unsigned rate) {
    struct tc_htb_opt h = {.rate = {.rate = rate, .linklayer = 1}, .ceil = {.rate = 1250000, .linklayer = 1}, .buffer = 200000, .cbuffer = 20000};
    put(n, TCA_KIND, "htb", 4);
    struct rtattr *o = put(n, TCA_OPTIONS, 0, 0);
    put(n, TCA_HTB_PARMS, &h, sizeof h);
    o->rta_len = (char *)n + n->nlmsg_len - (char *)o;
}

static void add_class(char *where, int i) {
    put_class(message(where, RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_EXCL, class_of(i), parent_of(i)), 125000);
}
static void change_class(char *where, int i) { put_class(message(where, RTM_NEWTCLASS, 0, class_of(i), parent_of(i)), 250000); }
static void delete_class(char *where, int i) { message(where, RTM_DELTCLASS, 0, class_of(i), 0); }

static void add_filter(char *where, int i) {
    struct nlmsghdr *n = message(where, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, 0, 0x10000);
    ((struct tcmsg *)NLMSG_DATA(n))->tcm_info = 5 << 16 | htons(0x800);
    unsigned class = class_of(i), bucket = 0x00100000 | ((i + 1) & 255) << 12;
    struct {
        struct tc_u32_sel sel;
        struct tc_u32_key key;
    } match = {{.flags = TC_U32_TERMINAL, .nkeys = 1}, {.mask = 0xffffffff, .val = htonl(0x0a000000 | (i + 1)), .off = 16}};
    put(n, TCA_KIND, "u32", 4);
    struct rtattr *o = put(n, TCA_OPTIONS, 0, 0);
    put(n, TCA_U32_CLASSID, &class, 4);
    put(n, TCA_U32_HASH, &bucket, 4);
    put(n, TCA_U32_SEL, &match, sizeof match);
    o->rta_len = (char *)n + n->nlmsg_len - (char *)o;
}

static ssize_t receive(void) {
    ssize_t len = recv(fd, in, sizeof in, 0);
    if (len < 0) die("recv");
    return len;
}

/* Sends requests first..end and waits for the answer to the last. */
static void exchange(int first, int end) {
    if (send(fd, out + at[first], at[end] - at[first], 0) < 0) die("send");
    for (;;) {
        int len = receive();
        for (struct nlmsghdr *n = (void *)in; NLMSG_OK(n, len); n = NLMSG_NEXT(n, len)) {
            if (n->nlmsg_type != NLMSG_ERROR) continue;
            int error = ((struct nlmsgerr *)NLMSG_DATA(n))->error;
            if (error) errno = -error, die("refused");
            if (n->nlmsg_seq == (unsigned)end) return;
        }
    }
}

static double run(int count, void (*encode)(char *, int), int chunk) {
    at[0] = 0;
    for (int i = 0; i < count; i++) {
        struct nlmsghdr *n = (void *)(out + at[i]);
        encode((char *)n, i);
        n->nlmsg_seq = i + 1;
        if (ack_all || i % chunk == chunk - 1 || i == count - 1) n->nlmsg_flags |= NLM_F_ACK;
        at[i + 1] = at[i] + NLMSG_ALIGN(n->nlmsg_len);
    }
    double start = now();
    for (int i = 0; i < count; i += chunk) exchange(i, i + chunk < count ? i + chunk : count);
    return now() - start;
}

/* Receives a whole dump, and counts. */
static double dump(int type, unsigned parent, int *count) {
    struct nlmsghdr *n = message(out, type, NLM_F_DUMP, 0, parent);
    double start = now();
    if (send(fd, n, n->nlmsg_len, 0) < 0) die("send");
    for (*count = 0;;) {
        int len = receive();
        for (n = (void *)in; NLMSG_OK(n, len); n = NLMSG_NEXT(n, len), ++*count)
            if (n->nlmsg_type == NLMSG_DONE) return now() - start;
    }
}

static double best_dump(int type, unsigned parent, int *count) {
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        double took = dump(type, parent, count);
        if (took < best) best = took;
    }
    return best;
}

/* One class with its statistics, a thousand times. */
static double statistics(int count) {
    double start = now();
    for (int i = 0; i < SINGLE; i++) {
        struct nlmsghdr *n = message(out, RTM_GETTCLASS, NLM_F_ECHO, class_of(i * 7919 % count), 0);
        if (send(fd, n, n->nlmsg_len, 0) < 0) die("send");
        receive();
        if (((struct nlmsghdr *)in)->nlmsg_type != RTM_NEWTCLASS) die("no class");
    }
    return now() - start;
}

/* Qdiscs and classes once, and the filters of each HTB, whose handles are 1: and so on. */
static int plan(int queues) {
    double best = 1e9;
    int qdiscs, classes, filters = 0, count;
    for (int i = 0; i < 3; i++) {
        double took = dump(RTM_GETQDISC, 0, &qdiscs) + dump(RTM_GETTCLASS, 0, &classes);
        filters = 0;
        for (int q = 1; q <= queues; q++, filters += count) took += dump(RTM_GETTFILTER, (unsigned)q << 16, &count);
        if (took < best) best = took;
    }
    fprintf(stderr, "%d qdiscs, %d classes, %d filters\n", qdiscs, classes, filters);
    printf("noop=%.3f\n", best);
    return 0;
}

int main(int argc, char **argv) {
    int is_plan = argc == 3 && !strcmp(argv[1], "plan"), is_lists = argc == 3 && !strcmp(argv[1], "lists");
    if (argc != 5 && !is_plan && !is_lists) return 2;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (void *)&kernel, sizeof kernel)) die("socket");
    if (is_plan) {
        out = malloc(256);
        return plan(atoi(argv[2]));
    }
    mq = is_lists || !strcmp(argv[1], "mq");
    int n = atoi(argv[2]), count;
    if (is_lists) {
        out = malloc(256);
        printf("dump=%.3f", best_dump(RTM_GETTCLASS, 0, &count));
        printf(" statistics=%.3f\n", statistics(n));
        return count < n;
    }
    ack_all = !strcmp(argv[3], "all");
    per_datagram = atoi(argv[4]);
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &(int){1}, sizeof(int));
    out = malloc((size_t)n * 256 + 4096);
    at = malloc((n + 2) * sizeof *at);

    printf("add=%.3f", run(n, add_class, per_datagram));
    printf(" dump=%.3f", best_dump(RTM_GETTCLASS, 0, &count));
    if (count < n) fprintf(stderr, "%d classes\n", count);
    printf(" change=%.3f", run(n, change_class, per_datagram));
    if (mq) {
        printf(" one=%.3f", run(SINGLE < n ? SINGLE : n, change_class, 1));
    } else {
        printf(" filters=%.3f", run(n, add_filter, per_datagram));
        printf(" filterdump=%.3f", best_dump(RTM_GETTFILTER, 0x10000, &count));
        if (count < n) fprintf(stderr, "%d filters\n", count);
        struct nlmsghdr *all = message(out, RTM_DELTFILTER, NLM_F_ACK, 0, 0x10000);
        all->nlmsg_seq = 1;
        at[0] = 0, at[1] = all->nlmsg_len;
        exchange(0, 1);
    }
    printf(" del=%.3f\n", run(n, delete_class, per_datagram));
    return 0;
}
