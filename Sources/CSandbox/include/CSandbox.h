// A program in a process of its own that can do nothing but compute. Linux only; elsewhere everything here says that it is not to be had.
#ifndef UNMASK_CSANDBOX_H
#define UNMASK_CSANDBOX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What confines a program; bits of `unmask_sandbox_layers`.
enum {
  UNMASK_SANDBOX_SECCOMP = 1,     // only listed system calls: no sockets, no new processes, no writing opens, signals to itself alone
  UNMASK_SANDBOX_LANDLOCK = 2,    // reads what is listed and nothing else, writes nowhere
  UNMASK_SANDBOX_NAMESPACES = 4,  // a user, network and IPC namespace of its own
};

/// What is to be run, and how much it may use.
struct unmask_sandbox_request {
  const char *program;         // absolute path of the executable
  char *const *arguments;      // argv, NULL at the end
  char *const *environment;    // envp, NULL at the end
  const char *const *readable; // absolute paths of folders and files it may read, NULL at the end; missing ones are left out
  int input;                   // its standard input
  int output;                  // its standard output and standard error
  int result;                  // its descriptor 3
  uint64_t cpu_seconds;
  uint64_t memory_bytes;       // address space
  int is_unsafe;               // 1: only the limits on resources
};

/// Which layers this machine gives, as bits. The first two are promises and have to be there; the third is used where it is.
int unmask_sandbox_layers(void);

/// Starts it and gives its process id, or a negative errno. What fails after the process exists is told through `failure`: a pipe's end, on which an int
/// with the stage and an int with the errno arrive, or nothing where the program runs.
int unmask_sandbox_start(const struct unmask_sandbox_request *request, int failure);

/// The names of stages, for messages.
const char *unmask_sandbox_stage(int stage);

/// A descriptor that reads these bytes and cannot be written to, or a negative errno.
int unmask_sandbox_sealed(const void *bytes, size_t count);

/// A pipe, its reading end first, that no program started by this process inherits; 0, or a negative errno.
int unmask_sandbox_pipe(int ends[2]);

#ifdef __cplusplus
}
#endif
#endif
