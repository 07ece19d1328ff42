import type { LiveEntries } from './live.ts'
import type { Revocation } from './revocation.ts'
import type { PlacedEntry } from './revocation-store.ts'

/** What a reader of the feed is told. */
export interface FeedPage {
  /** The reader's new place: it asks for what comes after. */
  readonly sequence: number
  readonly entries: readonly PlacedEntry[]
  /** There is more already: the reader is not up to date before it has asked again. */
  readonly more: boolean
  /** The reader's place was none of ours: this page begins the whole live set anew. */
  readonly reset: boolean
}

export interface FeedRequest {
  /** Who asks: requests that wait are counted per reader. */
  readonly reader: string
  /** The place up to which the reader knows everything; 0 at first. */
  readonly after: number
  /** When to answer although there is nothing new. */
  readonly until: AbortSignal
}

/** The feed towards those who verify tokens by themselves. Nothing is kept of a reader between its requests. */
export interface Feed {
  /**
   * What comes after a place: at once where there is something, as soon as there is otherwise. Where too many requests
   * wait already, of this reader or of all, it is answered at once with what there is. Throws when the store cannot be read.
   */
  read(request: FeedRequest): Promise<FeedPage>
  /** Answers all that wait; none waits from now on. */
  close(): void
  readonly closed: boolean
}

export const PAGE_ENTRIES_MAX = 256
const WAITING_MAX = 2048
const WAITING_PER_READER_MAX = 64

export function createFeed({
  revocation,
  waitingMax = WAITING_MAX,
  waitingPerReaderMax = WAITING_PER_READER_MAX,
}: {
  readonly revocation: Pick<Revocation, 'read' | 'onNews'>
  readonly waitingMax?: number
  readonly waitingPerReaderMax?: number
}): Feed {
  const waiting = new Map<string, number>()
  const closed = new AbortController()
  let all = 0
  const mayWait = (reader: string) => all < waitingMax && (waiting.get(reader) ?? 0) < waitingPerReaderMax
  const count = (reader: string, one: 1 | -1) => {
    all += one
    const left = (waiting.get(reader) ?? 0) + one
    if (left === 0) waiting.delete(reader)
    else waiting.set(reader, left)
  }

  return {
    async read({ reader, after, until }) {
      // Listening begins before reading: what is revoked in between is heard.
      const news = createNews(revocation)
      try {
        const first = await revocation.read()
        let page = pageAfter(after, first)
        const stop = AbortSignal.any([until, closed.signal])
        if (!isNew(page) && !stop.aborted && mayWait(reader)) {
          count(reader, 1)
          try {
            while (!isNew(page) && !stop.aborted) {
              await news.next(stop)
              const live = await revocation.read()
              // A place among entries that are no longer those they were is none.
              page = pageAfter(live.edition === first.edition ? after : Infinity, live)
            }
          } finally {
            count(reader, -1)
          }
        }
        return page
      } finally {
        news.end()
      }
    },
    close: () => closed.abort(),
    get closed() {
      return closed.signal.aborted
    },
  }
}

function isNew({ entries, reset }: FeedPage): boolean {
  return reset || entries.length > 0
}

/** A place ahead of ours, or before what is kept, is not understood: everything that still counts is told again. */
function pageAfter(after: number, { entries, head }: LiveEntries): FeedPage {
  const first = entries[0]?.sequence ?? head + 1
  const reset = after !== 0 && (after > head || after < first - 1)
  const missing = reset ? entries : entries.filter(({ sequence }) => sequence > after)
  const told = missing.slice(0, PAGE_ENTRIES_MAX)
  const more = told.length < missing.length
  return { sequence: more ? (told.at(-1)?.sequence ?? head) : head, entries: told, more, reset }
}

/** News that came since it was made or last waited for, none lost in between. */
function createNews({ onNews }: Pick<Revocation, 'onNews'>) {
  let heard = Promise.withResolvers<void>()
  const end = onNews(() => heard.resolve())
  return {
    end,
    async next(stop: AbortSignal): Promise<void> {
      const stopped = () => heard.resolve()
      stop.addEventListener('abort', stopped, { once: true })
      await heard.promise
      stop.removeEventListener('abort', stopped)
      heard = Promise.withResolvers()
    },
  }
}
