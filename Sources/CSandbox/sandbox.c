#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "CSandbox.h"

#include <errno.h>

static const char *const stages[] = {
  "starting a process", "leaving the parent's session", "becoming nobody", "giving up privileges", "setting its descriptors", "limiting its resources",
  "confining its files (Landlock)", "confining its system calls (seccomp)", "starting the program",
};

const char *unmask_sandbox_stage(int stage) { return stage >= 0 && stage < (int)(sizeof stages / sizeof *stages) ? stages[stage] : "an unknown stage"; }

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORK, SESSION, NOBODY, PRIVILEGES, DESCRIPTORS, LIMITS, LANDLOCK, SECCOMP, EXEC };

// Landlock's interface, by its numbers, because the headers of some distributions are older than their kernels (Documentation/userspace-api/landlock.rst).
#define SYS_LANDLOCK_CREATE 444
#define SYS_LANDLOCK_ADD 445
#define SYS_LANDLOCK_RESTRICT 446
#define SYS_CLOSE_RANGE 436
enum { ACCESS_EXECUTE = 1 << 0, ACCESS_READ_FILE = 1 << 2, ACCESS_READ_DIR = 1 << 3 };

struct landlock_rules {
  uint64_t files, network, scoped;
};

struct __attribute__((packed)) landlock_beneath {
  uint64_t allowed;
  int32_t parent;
};

static int landlock_version(void) { return (int)syscall(SYS_LANDLOCK_CREATE, NULL, 0, 1); }

static int confine_files(const char *const *readable, const char *program) {
  int version = landlock_version();
  if (version < 1) return errno ? errno : ENOSYS;
  // Every right of that version is handled, and so refused where no rule gives it.
  uint64_t handled = version >= 5 ? 0xFFFF : version >= 3 ? 0x7FFF : version == 2 ? 0x3FFF : 0x1FFF;
  struct landlock_rules rules = {handled, version >= 4 ? 3 : 0, version >= 6 ? 3 : 0};
  size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  int set = (int)syscall(SYS_LANDLOCK_CREATE, &rules, size, 0);
  if (set < 0) return errno;
  for (int index = -1; index < 0 || readable[index]; index++) {
    // What may be read may be executed, as the program's loader has to be; whatever runs there is confined alike.
    const char *path = index < 0 ? program : readable[index];
    int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0) {
      if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) continue;
      return errno;
    }
    struct stat status;
    if (fstat(place, &status) != 0) return errno;
    int is_folder = S_ISDIR(status.st_mode);
    struct landlock_beneath rule = {ACCESS_EXECUTE | ACCESS_READ_FILE | (is_folder ? ACCESS_READ_DIR : 0), place};
    if (syscall(SYS_LANDLOCK_ADD, set, 1, &rule, 0) != 0) return errno;
    close(place);
  }
  if (syscall(SYS_LANDLOCK_RESTRICT, set, 0) != 0) return errno;
  close(set);
  return 0;
}

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#else
#define MACHINE AUDIT_ARCH_AARCH64
#endif

// What a program that only computes asks of the kernel. All else fails with EPERM, so that the program sees an error and not a signal.
static const int allowed[] = {
  SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_close, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_lseek, SYS_mmap, SYS_mprotect, SYS_munmap,
  SYS_mremap, SYS_madvise, SYS_brk, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_faccessat, SYS_execve, SYS_exit,
  SYS_exit_group, SYS_uname, SYS_getcwd, SYS_readlinkat, SYS_sysinfo, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getpid, SYS_getppid, SYS_gettid,
  SYS_futex, SYS_set_tid_address, SYS_set_robust_list, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_getdents64, SYS_getrandom,
  SYS_dup, SYS_dup3, SYS_pipe2, SYS_ppoll, SYS_pselect6, SYS_sched_yield, SYS_sched_getaffinity, SYS_getrusage, SYS_times, SYS_gettimeofday, SYS_membarrier,
  SYS_restart_syscall, SYS_getgroups,
#ifdef SYS_rseq
  SYS_rseq,
#endif
#ifdef SYS_faccessat2
  SYS_faccessat2,
#endif
#if defined(__x86_64__)
  SYS_arch_prctl, SYS_access, SYS_stat, SYS_lstat, SYS_readlink, SYS_getrlimit, SYS_time, SYS_dup2, SYS_poll, SYS_select, SYS_pause, SYS_alarm,
#endif
};

#define LOAD(field) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARGUMENT(index) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (index))
#define EQUAL(value, yes, no) (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), yes, no)
#define ANY_OF(bits, yes, no) (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (uint32_t)(bits), yes, no)
#define GIVE(value) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, value)
#define DENY(code) GIVE(SECCOMP_RET_ERRNO | (code))
#define ALLOW GIVE(SECCOMP_RET_ALLOW)

static int confine_calls(void) {
  enum { COUNT = sizeof allowed / sizeof *allowed };
  struct sock_filter filter[2 * COUNT + 64];
  unsigned n = 0;
  uint32_t self = (uint32_t)getpid();
  filter[n++] = LOAD(arch);
  filter[n++] = EQUAL(MACHINE, 1, 0);
  filter[n++] = GIVE(SECCOMP_RET_KILL_PROCESS);
  filter[n++] = LOAD(nr);
#if defined(__x86_64__)
  // The x32 numbers of the same calls.
  filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
  filter[n++] = DENY(EPERM);
#endif
  for (unsigned index = 0; index < COUNT; index++) {
    filter[n++] = EQUAL(allowed[index], 0, 1);
    filter[n++] = ALLOW;
  }
  // Files are opened to be read.
  filter[n++] = EQUAL(SYS_openat, 0, 4);
  filter[n++] = LOAD_ARGUMENT(2);
  filter[n++] = ANY_OF(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0, 1);
  filter[n++] = DENY(EACCES);
  filter[n++] = ALLOW;
#if defined(__x86_64__)
  filter[n++] = EQUAL(SYS_open, 0, 4);
  filter[n++] = LOAD_ARGUMENT(1);
  filter[n++] = ANY_OF(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0, 1);
  filter[n++] = DENY(EACCES);
  filter[n++] = ALLOW;
#endif
  // Threads, and no processes. The newer call hides its flags in memory; without it the C library asks by the older one.
  filter[n++] = EQUAL(SYS_clone, 0, 4);
  filter[n++] = LOAD_ARGUMENT(0);
  filter[n++] = ANY_OF(CLONE_THREAD, 0, 1);
  filter[n++] = ALLOW;
  filter[n++] = DENY(EPERM);
  filter[n++] = EQUAL(435 /* clone3 */, 0, 1);
  filter[n++] = DENY(ENOSYS);
  // Signals to itself.
  filter[n++] = EQUAL(SYS_tgkill, 1, 0);
  filter[n++] = EQUAL(SYS_kill, 0, 4);
  filter[n++] = LOAD_ARGUMENT(0);
  filter[n++] = EQUAL(self, 0, 1);
  filter[n++] = ALLOW;
  filter[n++] = DENY(EPERM);
  // Descriptors may be asked about and copied, and may not send signals.
  filter[n++] = EQUAL(SYS_fcntl, 0, 8);
  filter[n++] = LOAD_ARGUMENT(1);
  filter[n++] = EQUAL(F_GETFD, 5, 0);
  filter[n++] = EQUAL(F_SETFD, 4, 0);
  filter[n++] = EQUAL(F_GETFL, 3, 0);
  filter[n++] = EQUAL(F_DUPFD, 2, 0);
  filter[n++] = EQUAL(F_DUPFD_CLOEXEC, 1, 0);
  filter[n++] = DENY(EPERM);
  filter[n++] = ALLOW;
  filter[n++] = EQUAL(SYS_ioctl, 0, 6);
  filter[n++] = LOAD_ARGUMENT(1);
  filter[n++] = EQUAL(TCGETS, 3, 0);
  filter[n++] = EQUAL(FIOCLEX, 2, 0);
  filter[n++] = EQUAL(FIONCLEX, 1, 0);
  filter[n++] = DENY(ENOTTY);
  filter[n++] = ALLOW;
  // Its own limits may be read.
  filter[n++] = EQUAL(SYS_prlimit64, 0, 6);
  filter[n++] = LOAD_ARGUMENT(2);
  filter[n++] = EQUAL(0, 0, 3);
  filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * 2 + 4);
  filter[n++] = EQUAL(0, 0, 1);
  filter[n++] = ALLOW;
  filter[n++] = DENY(EPERM);
  // Everything that is not named.
  filter[n++] = DENY(EPERM);
  struct sock_fprog program = {(unsigned short)n, filter};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ? 0 : errno;
}

static int limit(int resource, uint64_t amount) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) return errno;
  if (now.rlim_max != RLIM_INFINITY && amount > now.rlim_max) amount = now.rlim_max;
  struct rlimit wanted = {amount, amount};
  return setrlimit(resource, &wanted) == 0 ? 0 : errno;
}

static int limit_all(const struct unmask_sandbox_request *request) {
  int code = limit(RLIMIT_CPU, request->cpu_seconds);
  if (code == 0) code = limit(RLIMIT_AS, request->memory_bytes);
  if (code == 0) code = limit(RLIMIT_CORE, 0);
  if (code == 0) code = limit(RLIMIT_FSIZE, 0);
  if (code == 0) code = limit(RLIMIT_NOFILE, 64);
  if (code == 0) code = limit(RLIMIT_MEMLOCK, 0);
  if (code == 0) code = limit(RLIMIT_MSGQUEUE, 0);
  return code;
}

static int lose_privileges(void) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  return syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
}

static int become_nobody(void) {
  enum { NOBODY_ID = 65534 };
  if (geteuid() != 0) return 0;
  // A superuser of a container may lack the right. The other layers hold for it as well.
  // By the system calls themselves: the C library's functions would have all threads of a process that is not there agree.
  if (syscall(SYS_setgroups, 0, NULL) != 0) return errno == EPERM ? 0 : errno;
  if (syscall(SYS_setresgid, NOBODY_ID, NOBODY_ID, NOBODY_ID) != 0) return errno;
  return syscall(SYS_setresuid, NOBODY_ID, NOBODY_ID, NOBODY_ID) == 0 ? 0 : errno;
}

static int set_descriptors(const struct unmask_sandbox_request *request, int *failure) {
  // Out of the way of 0 to 3 first, so that none is overwritten before it is copied.
  int input = fcntl(request->input, F_DUPFD_CLOEXEC, 10), output = fcntl(request->output, F_DUPFD_CLOEXEC, 10);
  int result = fcntl(request->result, F_DUPFD_CLOEXEC, 10), report = fcntl(*failure, F_DUPFD_CLOEXEC, 10);
  if (input < 0 || output < 0 || result < 0 || report < 0) return errno;
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 || dup2(result, 3) < 0) return errno;
  if (dup3(report, 4, O_CLOEXEC) < 0) return errno;
  *failure = 4;
  return syscall(SYS_CLOSE_RANGE, 5, ~0U, 0) == 0 ? 0 : errno;
}

static void fail(int failure, int stage, int code) {
  int words[2] = {stage, code};
  ssize_t ignored = write(failure, words, sizeof words);
  (void)ignored;
  _exit(127);
}

// Between fork and exec only system calls: other threads of the parent may have held any lock.
static void confine(const struct unmask_sandbox_request *request, int failure, pid_t parent) {
  int code;
  if (setsid() < 0) fail(failure, SESSION, errno);
  if ((code = set_descriptors(request, &failure)) != 0) fail(failure, DESCRIPTORS, code);
  struct sigaction standard = {.sa_handler = SIG_DFL};
  for (int number = 1; number < 65; number++) sigaction(number, &standard, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if ((code = limit_all(request)) != 0) fail(failure, LIMITS, code);
  if (!request->is_unsafe) {
    // The current folder would be one that may be read. "/" may not be.
    if (chdir("/") != 0) fail(failure, SESSION, errno);
    if ((code = become_nobody()) != 0) fail(failure, NOBODY, code);
    // Not a promise: without a network namespace there still is no call that makes a socket.
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) errno = 0;
    if ((code = lose_privileges()) != 0) fail(failure, PRIVILEGES, code);
  }
  // After the change of user, which would undo it.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail(failure, SESSION, errno);
  if (getppid() != parent) fail(failure, SESSION, ESRCH);
  if (!request->is_unsafe) {
    if ((code = confine_files(request->readable, request->program)) != 0) fail(failure, LANDLOCK, code);
    if ((code = confine_calls()) != 0) fail(failure, SECCOMP, code);
  }
  execve(request->program, request->arguments, request->environment);
  fail(failure, EXEC, errno);
}

int unmask_sandbox_start(const struct unmask_sandbox_request *request, int failure) {
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0) return -errno;
  if (child == 0) confine(request, failure, parent);
  return child;
}

// What a child that tries it says of a layer.
static int works(int layer) {
  pid_t child = fork();
  if (child < 0) return 0;
  if (child == 0) {
    if (layer == UNMASK_SANDBOX_NAMESPACES) _exit(become_nobody() != 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0);
    _exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || confine_calls() != 0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 0;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int unmask_sandbox_layers(void) {
  int layers = 0;
  if (works(UNMASK_SANDBOX_SECCOMP)) layers |= UNMASK_SANDBOX_SECCOMP;
  if (landlock_version() >= 1) layers |= UNMASK_SANDBOX_LANDLOCK;
  if (works(UNMASK_SANDBOX_NAMESPACES)) layers |= UNMASK_SANDBOX_NAMESPACES;
  return layers;
}

int unmask_sandbox_sealed(const void *bytes, size_t count) {
  int place = memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (place < 0) return -errno;
  for (size_t done = 0; done < count;) {
    ssize_t written = write(place, (const char *)bytes + done, count - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      int code = errno;
      close(place);
      return -code;
    }
    done += (size_t)written;
  }
  if (lseek(place, 0, SEEK_SET) != 0 || fcntl(place, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    int code = errno;
    close(place);
    return -code;
  }
  return place;
}

int unmask_sandbox_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno; }

#else

int unmask_sandbox_pipe(int ends[2]) { return (void)ends, -ENOSYS; }
int unmask_sandbox_layers(void) { return 0; }
int unmask_sandbox_start(const struct unmask_sandbox_request *request, int failure) { return (void)request, (void)failure, -ENOSYS; }
int unmask_sandbox_sealed(const void *bytes, size_t count) { return (void)bytes, (void)count, -ENOSYS; }

#endif
