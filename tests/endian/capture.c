/* Loaded into tc and ip (LD_PRELOAD), in place of the kernel: writes every netlink request in hex to file descriptor 9 and
 * answers it. Look-ups of links get those that the recordings were made with; every other request succeeds. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct { int index; const char *name; unsigned char mac; } links[] = {
	{ 1, "lo", 0 }, { 2, "br0", 2 }, { 10, "v0", 0x0a }, { 11, "v1", 0x0b }, { 20, "ifb0", 0x14 }, { 21, "ifb1", 0x15 }, { 30, "d0", 0x1e },
};
#define LINKS (sizeof(links) / sizeof(*links))

static unsigned char answer[8192];
static size_t answered, given;

static void attribute(struct nlmsghdr *nlh, unsigned short type, const void *data, unsigned short len)
{
	struct rtattr *rta = (void *)((char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len));

	rta->rta_type = type;
	rta->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(rta), data, len);
	nlh->nlmsg_len = NLMSG_ALIGN(nlh->nlmsg_len) + RTA_ALIGN(rta->rta_len);
}

static struct nlmsghdr *begin(const struct nlmsghdr *request, unsigned short type, size_t body)
{
	struct nlmsghdr *nlh = (void *)(answer + answered);

	memset(nlh, 0, NLMSG_SPACE(body));
	nlh->nlmsg_type = type;
	nlh->nlmsg_seq = request->nlmsg_seq;
	nlh->nlmsg_pid = getpid();
	nlh->nlmsg_len = NLMSG_LENGTH(body);
	return nlh;
}

static void link_answer(const struct nlmsghdr *request, size_t i, unsigned short flags)
{
	struct nlmsghdr *nlh = begin(request, RTM_NEWLINK, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = NLMSG_DATA(nlh);
	unsigned char mac[6] = { 2, 0, 0, 0, 0, links[i].mac };
	unsigned mtu = 1500, txqlen = 1000;

	nlh->nlmsg_flags = flags;
	ifi->ifi_index = links[i].index;
	ifi->ifi_type = links[i].mac ? 1 : 772;
	ifi->ifi_flags = 0x11043;
	attribute(nlh, IFLA_IFNAME, links[i].name, strlen(links[i].name) + 1);
	attribute(nlh, IFLA_MTU, &mtu, 4);
	attribute(nlh, IFLA_TXQLEN, &txqlen, 4);
	attribute(nlh, IFLA_ADDRESS, mac, 6);
	answered += NLMSG_ALIGN(nlh->nlmsg_len);
}

static void acknowledge(const struct nlmsghdr *request, int error)
{
	struct nlmsghdr *nlh = begin(request, NLMSG_ERROR, sizeof(struct nlmsgerr));
	struct nlmsgerr *err = NLMSG_DATA(nlh);

	err->error = error;
	err->msg = *request;
	answered += NLMSG_ALIGN(nlh->nlmsg_len);
}

static void answer_link(const struct nlmsghdr *request)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(request);
	const struct rtattr *rta = (const void *)((const char *)ifi + NLMSG_ALIGN(sizeof(*ifi)));
	int len = request->nlmsg_len - NLMSG_LENGTH(sizeof(*ifi));
	const char *name = NULL;

	for (; RTA_OK(rta, len); rta = RTA_NEXT(rta, len))
		if (rta->rta_type == IFLA_IFNAME || rta->rta_type == IFLA_ALT_IFNAME)
			name = RTA_DATA(rta);
	for (size_t i = 0; i < LINKS; i++)
		if (name ? !strcmp(name, links[i].name) : ifi->ifi_index == links[i].index) {
			link_answer(request, i, 0);
			return;
		}
	acknowledge(request, -ENODEV);
}

static void take(const void *bytes, size_t len)
{
	static int recorded;
	const struct nlmsghdr *nlh;

	answered = given = 0;
	for (nlh = bytes; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		struct nlmsghdr shown = *nlh;
		int dump = nlh->nlmsg_flags & NLM_F_DUMP && nlh->nlmsg_type % 4 == RTM_GETLINK % 4;

		shown.nlmsg_seq = shown.nlmsg_pid = 0;
		dprintf(9, recorded++ ? " " : "");
		for (size_t i = 0; i < nlh->nlmsg_len; i++)
			dprintf(9, "%02x", i < sizeof(shown) ? ((unsigned char *)&shown)[i] : ((const unsigned char *)nlh)[i]);
		if (nlh->nlmsg_type == RTM_GETLINK && !dump) {
			answer_link(nlh);
		} else if (dump) {
			if (nlh->nlmsg_type == RTM_GETLINK)
				for (size_t i = 0; i < LINKS; i++)
					link_answer(nlh, i, NLM_F_MULTI);
			struct nlmsghdr *done = begin(nlh, NLMSG_DONE, 4);
			done->nlmsg_flags = NLM_F_MULTI;
			answered += NLMSG_ALIGN(done->nlmsg_len);
		} else {
			acknowledge(nlh, 0);
		}
	}
}

int socket(int domain, int type, int protocol)
{
	(void)type;
	if (domain != AF_NETLINK || protocol != NETLINK_ROUTE) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return dup(0);
}

int bind(int fd, const struct sockaddr *addr, socklen_t len) { (void)fd, (void)addr, (void)len; return 0; }
int connect(int fd, const struct sockaddr *addr, socklen_t len) { (void)fd, (void)addr, (void)len; return 0; }
int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	(void)fd, (void)level, (void)name, (void)value, (void)len;
	return 0;
}

int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_pid = getpid() };

	(void)fd;
	memcpy(addr, &nl, sizeof(nl));
	*len = sizeof(nl);
	return 0;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	static unsigned char request[65536];
	size_t len = 0;

	(void)fd, (void)flags;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		memcpy(request + len, msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
		len += msg->msg_iov[i].iov_len;
	}
	take(request, len);
	return len;
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
	(void)fd, (void)flags;
	take(bytes, len);
	return len;
}

ssize_t sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to, socklen_t size)
{
	(void)to, (void)size;
	return send(fd, bytes, len, flags);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	size_t len = answered - given, room = msg->msg_iov->iov_len;

	(void)fd;
	if (msg->msg_name)
		memcpy(msg->msg_name, &nl, sizeof(nl));
	msg->msg_namelen = sizeof(nl);
	msg->msg_flags = 0;
	if (msg->msg_iov->iov_base)
		memcpy(msg->msg_iov->iov_base, answer + given, len < room ? len : room);
	if (!(flags & MSG_PEEK))
		given = answered;
	return len;
}
