import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Ticker } from '#revocation'

/** So long nothing happens before a file counts as written: editors write in several steps. */
const QUIET_MS = 100
/** When it is looked at again although nothing happened. */
const AGAIN_MS = 5000

export interface FileWatch {
  readonly file: string
  readonly ticker: Ticker
  readonly signal: AbortSignal
  /** Looks at the file. True asks to be called again soon, whatever happens. */
  readonly look: () => Promise<boolean>
  /** The directory cannot be watched, or no longer. */
  readonly failed: (error: unknown) => void
}

/**
 * Calls `look` once at first, and after every change of the directory that a file lies in: editors replace files, and
 * Kubernetes the directory that a link leads to. Returns at once; ends with the signal.
 */
export function watchFile({ file, ticker, signal, look, failed }: FileWatch): void {
  let changed = Promise.withResolvers<void>()
  let changes = 1
  const touched = () => {
    changes++
    changed.resolve()
  }
  signal.addEventListener('abort', touched, { once: true })
  watchDirectory({ file, signal, touched, failed })
  const follow = async () => {
    let again = false
    for (;;) {
      if (changes === 0) await (again ? Promise.race([changed.promise, pause(AGAIN_MS)]) : changed.promise)
      while (changes > 0 && !signal.aborted) {
        changes = 0
        changed = Promise.withResolvers()
        await ticker.sleep(QUIET_MS, signal)
      }
      if (signal.aborted) return
      again = await look()
    }
  }
  const pause = (milliseconds: number) => ticker.sleep(milliseconds, signal)
  void follow()
}

function watchDirectory({
  file,
  signal,
  touched,
  failed,
}: Pick<FileWatch, 'file' | 'signal' | 'failed'> & { readonly touched: () => void }): void {
  try {
    const name = basename(file)
    const watcher = watch(dirname(file), { signal, persistent: false }, (_event, changed) => {
      // What a link leads to has other names; ours are the file's own and, in Kubernetes, the one of the directory.
      if (changed === null || changed === name || changed.startsWith('..')) touched()
    })
    watcher.on('error', failed)
  } catch (error) {
    failed(error)
  }
}
