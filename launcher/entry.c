/* The first instruction of the program, and the way to Bun's. */
#include "launcher.h"
#include "kernel.h"

#include <elf.h>
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/resource.h>

/*
 * The block begins with the distance from itself to Bun's first instruction, which
 * scripts/add-launcher.ts fills in; code follows. The dynamic linker enters with the stack as the
 * kernel made it and the function to call at exit in one register: both reach Bun as they came.
 */
#if defined(__x86_64__)
__asm__(".section .head, \"ax\"\n"
        "block: .quad 0\n"
        "  endbr64\n"
        "  mov %rsp, %rdi\n"
        "  push %rdx\n"
        "  push %rdx\n"
        "  call launch\n"
        "  pop %rdx\n"
        "  pop %rdx\n"
        "  lea block(%rip), %rax\n"
        "  add block(%rip), %rax\n"
        "  jmp *%rax\n"
        ".text\n");
#elif defined(__aarch64__)
__asm__(".section .head, \"ax\"\n"
        "block: .quad 0\n"
        "  stp x0, x30, [sp, #-16]!\n"
        "  add x0, sp, #16\n"
        "  bl launch\n"
        "  ldp x0, x30, [sp], #16\n"
        "  adr x9, block\n"
        "  ldr x10, [x9]\n"
        "  add x9, x9, x10\n"
        "  br x9\n"
        ".text\n");
#endif

void launch(long *stack);

static void note_limit(struct note *note)
{
  uint64_t limit[2] = {0, 0};
  call(prlimit64, 0, RLIMIT_NOFILE, NULL, limit);
  note->soft_limit = limit[0];
  note->hard_limit = limit[1];
}

static void note_directory(struct note *note)
{
  char path[PATH_BYTES];
  if (call(getcwd, path, sizeof path) == -ENOENT && call(chdir, "/") == 0)
    note->directory_lost = 1;
}

/*
 * The mark of a program that carries an image (src/format/self-run/mark.ts), in the padding of the ELF
 * header: 'R' at 9, the image's block at 12. The program headers, which the kernel tells the place of,
 * follow the header.
 */
static void note_image(struct note *note, char **env)
{
  while (*env)
    env++;
  for (const Elf64_auxv_t *entry = (const Elf64_auxv_t *)(env + 1); entry->a_type != AT_NULL; entry++)
    if (entry->a_type == AT_PHDR) {
      const unsigned char *header = (const unsigned char *)entry->a_un.a_val - sizeof(Elf64_Ehdr);
      if (header[1] == 'E' && header[9] == 'R')
        note->image_block = *(const uint32_t *)(header + 12);
    }
}

static bool is_known(const struct call *call, struct note *note, struct arena *arena, struct record *record)
{
  return make_key(call, note, arena) && read_record(note, arena, record) && stamps_hold(record);
}

static void replay(const struct call *call, struct note *note, struct arena *arena)
{
  struct record named, launch;
  struct call again;
  note_directory(note);
  if (note->directory_lost || !is_known(call, note, arena, &named))
    return;
  launch = named;
  if (named.image_words) {
    if (!by_path(call, &named, arena, &again))
      return;
    /* The directory of the records is put right behind it. */
    struct note *other = take(arena, sizeof *other);
    if (!other || !is_known(&again, other, arena, &launch) || launch.image_words)
      return;
  }
  char **env = make_environment(&launch, call->env, arena);
  if (env && (!named.image_words || still_means(&named, call)))
    become_starter(&launch, env);
}

/* Returns when Bun is to take over. */
void launch(long *stack)
{
  struct call own = {.argc = (int)stack[0], .argv = (char **)(stack + 1)};
  own.env = own.argv + own.argc + 1;
  long at = call(mmap, ARENA_ADDRESS, ARENA_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (at == ARENA_ADDRESS) {
    struct arena arena = {(char *)at, (char *)at + ARENA_BYTES};
    struct note *note = take(&arena, sizeof *note);
    note->magic = NOTE_MAGIC;
    note_limit(note);
    note_image(note, own.env);
    if (note->image_block || is_launch(&own))
      replay(&own, note, &arena);
  } else if (at > 0) {
    /* A kernel that takes the address for a hint. */
    call(munmap, at, ARENA_BYTES);
  }
}
