import { Fault, type Log } from '#kernel'
import { systemTicker, type Ticker } from '#revocation'
import { readText } from '../config.ts'
import { fault } from '../faults.ts'
import type { Reloaded, Reloading } from './reload.ts'
import { watchFile } from './watch-file.ts'

/** The configuration's file, as long as the service runs. */
export interface FollowedFile {
  /** Reads it again now. Throws `service.configuration_unreadable`, `service.configuration_unnamed`, and what `reload` throws. */
  reread(): Promise<Reloaded>
  /** Loads it after every change. Returns what ends that. */
  follow(): () => void
}

export function followedFile({
  file,
  reloading,
  text: first,
  ticker = systemTicker,
  log,
}: {
  readonly file: string | undefined
  readonly reloading: Pick<Reloading, 'reload' | 'refuse'>
  /** What the service was started with. */
  readonly text: string
  readonly ticker?: Ticker | undefined
  readonly log: Log
}): FollowedFile {
  if (file === undefined) {
    const reread = () => Promise.reject(fault.configuration_unnamed())
    return { reread, follow: () => () => {} }
  }
  let seen: string | undefined = first
  const read = async () => {
    try {
      return await readText(file)
    } catch (error) {
      reloading.refuse(error)
      throw error
    }
  }
  /** True where it may go well the next time. */
  const look = async (): Promise<boolean> => {
    const text = await read().catch(() => undefined)
    // Whoever saves a file without a change, or opens one beside it, changes nothing.
    if (text === seen) return false
    seen = text
    if (text === undefined) return false
    try {
      await reloading.reload(text)
    } catch (error) {
      const later = error instanceof Fault && error.kind === 'unavailable'
      if (later) seen = undefined
      return later
    }
    return false
  }
  const failed = (error: unknown) =>
    log.warn(
      { file, reason: error instanceof Error ? error.message : '' },
      'The configuration file is not watched: say tetrapod reload after an edit.',
    )
  return {
    async reread() {
      const text = await read()
      seen = text
      return reloading.reload(text)
    },
    follow() {
      const stop = new AbortController()
      watchFile({ file, ticker, signal: stop.signal, look, failed })
      return () => stop.abort()
    },
  }
}
