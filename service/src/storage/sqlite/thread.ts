import { Worker } from 'node:worker_threads'
import { fault } from '../faults.ts'
import { toFault } from './to-fault.ts'
import type { Answer, DatabaseFile, Order, Reply } from './worker.ts'

/** A thread that owns one database file. */
export interface Thread {
  /** Statements run in the order in which they are asked. Throws a storage fault. */
  run(sql: string, parameters: readonly unknown[]): Promise<Answer>
  /** Resolves when what was asked before has run and the file is closed. */
  close(): Promise<void>
}

/** Beside this file and of its kind: a source in the repository, compiled where it was installed. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/** Starts the thread; resolves when the file is open. Throws `storage.locked`, `.unopenable`, `.damaged`. */
export async function openThread(file: DatabaseFile, entry: URL = WORKER): Promise<Thread> {
  // Without the flags of this process: some of them (--input-type) keep a thread from starting.
  const worker = new Worker(entry, { workerData: file, execArgv: [] })
  const waiting = new Map<number, PromiseWithResolvers<Answer>>()
  const ended = Promise.withResolvers<void>()
  let state: 'open' | 'closing' | 'stopped' = 'open'
  let last = 0

  const stop = (cause?: unknown): void => {
    state = 'stopped'
    for (const { reject } of waiting.values()) reject(fault.stopped({ detail: file.file, cause }))
    waiting.clear()
  }
  const send = (order: Order | null): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(order)
  }
  const expect = (id: number): Promise<Answer> => {
    const answer = Promise.withResolvers<Answer>()
    waiting.set(id, answer)
    return answer.promise
  }
  worker.on('message', (reply: Reply) => {
    const answer = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('answer' in reply) answer?.resolve(reply.answer)
    else answer?.reject(toFault(reply.failure, file.file))
  })
  worker.on('error', stop)
  worker.on('messageerror', stop)
  worker.on('exit', () => {
    stop()
    ended.resolve()
  })

  await expect(0)
  return {
    run: async (sql, parameters) => {
      if (state === 'closing') throw fault.closed()
      if (state === 'stopped') throw fault.stopped({ detail: file.file })
      const order: Order = { id: ++last, sql, parameters: parameters.map(compact) }
      send(order)
      return expect(order.id)
    },
    close: () => {
      if (state === 'open') {
        state = 'closing'
        send(null)
      }
      return ended.promise
    },
  }
}

/** A view is sent with all the memory behind it: a small Buffer would take its whole pool along. */
function compact(value: unknown): unknown {
  if (!(value instanceof Uint8Array) || value.byteLength === value.buffer.byteLength) return value
  return new Uint8Array(value)
}
