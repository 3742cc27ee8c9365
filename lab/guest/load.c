/*
 * The load of the lab's guests: one small static program without a C library, so that its own memory does not disturb
 * what is measured. Any C compiler that knows GNU inline assembly builds it: cc -O1 -static -nostdlib -o load load.c
 *
 *   load in CGROUP.PROCS ...     the rest inside a control group: joined here, so that the group pays for the load alone
 *   load create DIR NAME FILES KIB
 *                                mkdir DIR/NAME, then for ever, FILES in turn: a directory and a file in it, KIB writes of 1 KiB
 *   load fsync FILE NAME         for ever: one write of 4 KiB at a moving offset, then fsync
 *   load rename DIR NAME         for ever: rename a file there and back
 *   load anon BYTES [end]        touch so many bytes of memory, then sleep for ever (or end)
 *   load read FILE BYTES [end]   read so many bytes of FILE, then sleep for ever (or end)
 *   load write FILE BYTES [end]  write so many bytes to a new FILE, then sleep for ever (or end)
 *   load sleep NAME              sleep for ever
 *
 * All of it with system calls of at most three arguments; x86-64 only.
 */

typedef long word;

enum {
	SYS_READ = 0, SYS_WRITE = 1, SYS_OPEN = 2, SYS_CLOSE = 3, SYS_LSEEK = 8, SYS_BRK = 12, SYS_PAUSE = 34, SYS_EXIT = 60,
	SYS_FSYNC = 74, SYS_RENAME = 82, SYS_MKDIR = 83, SYS_PRCTL = 157
};
enum { READ_ONLY = 0, WRITE_ONLY = 01, READ_WRITE = 02, CREATE = 0100, TRUNCATE = 01000, SET_NAME = 15, PAGE = 4096 };

static word system_call(word number, word a, word b, word c)
{
	word result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

static char path[256], other[256], block[65536];

static int same(const char *a, const char *b)
{
	while (*a && *a == *b) a++, b++;
	return *a == *b;
}

static char *append(char *to, const char *from)
{
	while (*from) *to++ = *from++;
	*to = 0;
	return to;
}

static char *append_number(char *to, word n)
{
	char digits[24];
	int i = 0;
	do digits[i++] = '0' + n % 10; while (n /= 10);
	while (i) *to++ = digits[--i];
	*to = 0;
	return to;
}

static word number(const char *text)
{
	word n = 0;
	while (*text >= '0' && *text <= '9') n = n * 10 + (*text++ - '0');
	return n;
}

static void leave(word code)
{
	for (;;) system_call(SYS_EXIT, code, 0, 0);
}

/* Every failure is an exit code of its own: the guest has no place to print that is not measured too. */
static word need(word result, word code)
{
	if (result < 0) leave(code);
	return result;
}

static void name(const char *comm)
{
	system_call(SYS_PRCTL, SET_NAME, (word)comm, 0);
}

static void then(const char *what)
{
	if (what && same(what, "end")) leave(0);
	for (;;) system_call(SYS_PAUSE, 0, 0, 0);
}

static void create(const char *dir, const char *comm, word files, word kib)
{
	char *end, *last;
	word i, k, fd;
	name(comm);
	end = append(append(append(path, dir), "/"), comm);
	need(system_call(SYS_MKDIR, (word)path, 0755, 0), 10);
	end = append(end, "/d");
	for (i = 0;; i = i + 1 == files ? 0 : i + 1) {
		/* a directory for each file: its first block is charged under the handle of mkdir; from the second round on it exists */
		last = append_number(end, i);
		system_call(SYS_MKDIR, (word)path, 0755, 0);
		append(last, "/f");
		fd = need(system_call(SYS_OPEN, (word)path, WRITE_ONLY | CREATE | TRUNCATE, 0644), 11);
		for (k = 0; k < kib; k++) need(system_call(SYS_WRITE, fd, (word)block, 1024), 12);
		system_call(SYS_CLOSE, fd, 0, 0);
	}
}

static void sync_writes(const char *file, const char *comm)
{
	word i, fd = need(system_call(SYS_OPEN, (word)file, READ_WRITE | CREATE, 0644), 13);
	name(comm);
	for (i = 0;; i = (i + 1) % 256) {
		system_call(SYS_LSEEK, fd, i * PAGE, 0);
		need(system_call(SYS_WRITE, fd, (word)block, PAGE), 14);
		need(system_call(SYS_FSYNC, fd, 0, 0), 15);
	}
}

static void renames(const char *dir, const char *comm)
{
	word fd;
	name(comm);
	append(append(append(path, dir), "/there-"), comm);
	append(append(append(other, dir), "/back-"), comm);
	fd = need(system_call(SYS_OPEN, (word)path, WRITE_ONLY | CREATE, 0644), 16);
	system_call(SYS_CLOSE, fd, 0, 0);
	for (;;) {
		need(system_call(SYS_RENAME, (word)path, (word)other, 0), 17);
		need(system_call(SYS_RENAME, (word)other, (word)path, 0), 18);
	}
}

static void touch_memory(word bytes)
{
	word from = system_call(SYS_BRK, 0, 0, 0), at;
	from = (from + PAGE - 1) / PAGE * PAGE;
	if (system_call(SYS_BRK, from + bytes, 0, 0) < from + bytes) leave(19);
	for (at = from; at < from + bytes; at += PAGE) *(volatile char *)at = 1;
}

static void read_file(const char *file, word bytes)
{
	word n, fd = need(system_call(SYS_OPEN, (word)file, READ_ONLY, 0), 20);
	while (bytes > 0 && (n = need(system_call(SYS_READ, fd, (word)block, sizeof block), 21)) > 0) bytes -= n;
}

static void write_file(const char *file, word bytes)
{
	word fd = need(system_call(SYS_OPEN, (word)file, WRITE_ONLY | CREATE | TRUNCATE, 0644), 22);
	while (bytes > 0) bytes -= need(system_call(SYS_WRITE, fd, (word)block, sizeof block), 23);
}

static void join(const char *procs)
{
	word fd = need(system_call(SYS_OPEN, (word)procs, WRITE_ONLY, 0), 24);
	/* 0 is the writing task */
	need(system_call(SYS_WRITE, fd, (word) "0", 1), 25);
	system_call(SYS_CLOSE, fd, 0, 0);
}

/* argc at the stack pointer of the start, then argv; a missing argument is the null that ends argv. */
void run(word *stack)
{
	word argc = stack[0];
	char **argv = (char **)(stack + 1);
	const char *what;
	if (argc > 3 && same(argv[1], "in")) join(argv[2]), argc -= 2, argv += 2;
	if (argc < 3) leave(2);
	what = argv[1];
	if (same(what, "create") && argc > 5) create(argv[2], argv[3], number(argv[4]), number(argv[5]));
	if (same(what, "fsync") && argc > 3) sync_writes(argv[2], argv[3]);
	if (same(what, "rename") && argc > 3) renames(argv[2], argv[3]);
	if (same(what, "anon")) touch_memory(number(argv[2])), then(argc > 3 ? argv[3] : 0);
	if (same(what, "read") && argc > 3) read_file(argv[2], number(argv[3])), then(argc > 4 ? argv[4] : 0);
	if (same(what, "write") && argc > 3) write_file(argv[2], number(argv[3])), then(argc > 4 ? argv[4] : 0);
	if (same(what, "sleep")) name(argv[2]), then(0);
	leave(2);
}

__asm__(".globl _start\n_start:\n\txor %rbp, %rbp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n");
