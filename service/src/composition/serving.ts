import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server as HttpServer } from 'node:http'
import { join } from 'node:path'
import type { Catalogue, ListenAddress } from '#catalogue'
import { createFront, type Handler, logged, sendJson } from '#http'
import { nowSeconds } from '#kernel'
import { fault } from '../faults.ts'
import type { Ground } from './ground.ts'
import type { Reloading } from './reload.ts'

/** How long calls in flight may take to finish once the service is asked to stop. */
const DRAIN_MS = 10_000
/** How often expired state is forgotten. */
const SWEEP_MS = 10 * 60_000
/** How long a login of an agent is remembered after its last use: longer than anything of it can live. */
const FAMILY_KEPT_MS = 90 * 24 * 3600_000
/** The operators' socket in the data directory. */
export const SOCKET = 'tetrapod.sock'

/** The two servers of the process: for everybody, and for its operators. */
export interface Serving {
  readonly socket: string
  /** Throws `service.address_taken`, `service.address_unusable`. */
  listen(): Promise<void>
  /** Takes no new connection, and waits for what has begun. */
  drained(): Promise<void>
}

export function createServing(
  ground: Ground,
  { reloading, address }: { readonly reloading: Reloading; readonly address: ListenAddress },
): Serving {
  const { issuer: publicUrl, dataDirectory, log } = ground
  const socket = join(dataDirectory, SOCKET)
  const front = createFront({ publicUrl, stage: reloading.stage, probes: probesOf(ground, reloading), log })
  const operators = createServer((request, response) => void reloading.current.operators(request, response))
  return {
    socket,
    async listen() {
      // The lock on the data directory says that nobody else listens here.
      await rm(socket, { force: true })
      await listening(operators, { path: socket })
      await chmod(socket, 0o600)
      await listening(front, address)
    },
    async drained() {
      await Promise.all([drained(front), drained(operators)])
    },
  }
}

function probesOf({ audit, revocation }: Ground, reloading: Reloading): Readonly<Record<string, Handler>> {
  return {
    '/livez': (_request, response) => sendJson(response, 200, { live: true }),
    '/readyz': async (_request, response) => {
      const [writable, { current }] = [await audit.ready(), revocation]
      sendJson(response, writable && current ? 200 : 503, {
        ready: writable && current,
        audit: writable ? 'writable' : 'not writable',
        revocation: current ? 'current' : 'stale',
        catalogue: reloading.refused ? 'edit refused' : 'current',
      })
    },
  }
}

/** Forgets expired state again and again. Returns what ends it. */
export function sweepAgain({ storage, clock, log }: Ground, reloading: Reloading): () => void {
  const sweeping = setInterval(() => {
    const swept = [
      storage.state.sweep(clock.now()),
      storage.replay.sweep(nowSeconds(clock)),
      storage.sessions.sweep(nowSeconds(clock)),
      storage.revocations.sweep(clock.now()),
      storage.families.sweep(clock.now() - FAMILY_KEPT_MS),
      reloading.current.agents.sweep(),
    ]
    Promise.all(swept).catch((error: unknown) => logged(error, log))
  }, SWEEP_MS)
  sweeping.unref()
  return () => clearInterval(sweeping)
}

/** Throws `service.listen_missing` where `publicUrl` is a proxy's. */
export function addressOf({ publicUrl, listen }: Catalogue): ListenAddress {
  if (listen !== undefined) return listen
  const { protocol, hostname, port } = new URL(publicUrl)
  if (protocol === 'https:') throw fault.listen_missing()
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) }
}

function listening(server: HttpServer, address: ListenAddress | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE'
      reject(
        taken ? fault.address_taken({ cause }) : fault.address_unusable({ detail: cause.code ?? '', cause }),
      )
    })
    server.listen(address, resolve)
  })
}

/** Takes no new connection and waits for the calls in flight, for a while. */
async function drained(server: HttpServer): Promise<void> {
  if (!server.listening) return
  const closed = new Promise((resolve) => server.close(resolve))
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  server.closeIdleConnections()
  await closed
  clearTimeout(late)
}
