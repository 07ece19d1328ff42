import { setTimeout } from 'node:timers/promises'
import { Client, type ClientConfig } from 'pg'
import type { WakeUp } from '#revocation'

/** What the trigger on `revocations` notifies (`0006-feed`). Another schema of the database may wake us for nothing. */
const CHANNEL = 'tetrapod_feed'
const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 5000

/** Sessions of their own in which the database tells of what was appended to the feed. */
export interface WakeUps {
  /**
   * Listens until it is ended, over every loss of the connection. Nothing may depend on it: a notification can be lost on the
   * way, and a pooler in transaction mode passes none on.
   */
  readonly wakeUp: WakeUp
  /** Ends all that listen. Resolves when their connections are closed. */
  close(): Promise<void>
}

export function createWakeUps(config: ClientConfig): WakeUps {
  const closed = new AbortController()
  const listening = new Set<Promise<void>>()
  return {
    wakeUp(heard) {
      const ended = new AbortController()
      const over = listen(config, heard, AbortSignal.any([closed.signal, ended.signal]))
      listening.add(over)
      void over.then(() => listening.delete(over))
      return () => ended.abort()
    },
    async close() {
      closed.abort()
      await Promise.all(listening)
    },
  }
}

async function listen(config: ClientConfig, heard: () => void, signal: AbortSignal): Promise<void> {
  let failures = 0
  const stands = () => {
    failures = 0
    // What was appended while nobody listened was told to nobody.
    heard()
  }
  while (!signal.aborted) {
    await session(config, { heard, stands, signal }).catch(() => {})
    const pause = Math.min(RETRY_FIRST_MS * 2 ** failures++, RETRY_MAX_MS)
    await setTimeout(pause, undefined, { signal, ref: false }).catch(() => {})
  }
}

/** Resolves when the connection has ended. */
async function session(
  config: ClientConfig,
  {
    heard,
    stands,
    signal,
  }: { readonly heard: () => void; readonly stands: () => void; readonly signal: AbortSignal },
): Promise<void> {
  const client = new Client(config)
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
  const stop = () => void client.end().catch(() => {})
  client.on('error', () => {})
  client.on('notification', heard)
  signal.addEventListener('abort', stop)
  try {
    await client.connect()
    await client.query(`listen ${CHANNEL}`)
    stands()
    await ended
  } finally {
    signal.removeEventListener('abort', stop)
    await client.end().catch(() => {})
  }
}
