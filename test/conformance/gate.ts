import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Where a client of the suite finds the gate. */
export const GATE = 'TETRAPOD_CONFORMANCE_GATE'
const AT_ONCE = 3

/** Lets a few clients run at once: the suite starts all of them together, which no small machine can bear. */
export interface Gate extends AsyncDisposable {
  readonly port: number
}

export async function openGate(): Promise<Gate> {
  const waiting: Socket[] = []
  let running = 0
  const next = () => {
    while (running < AT_ONCE) {
      const client = waiting.shift()
      if (client === undefined) return
      running++
      client.write('go')
      client.once('close', () => {
        running--
        next()
      })
    }
  }
  const server = createServer((client) => {
    client.on('error', () => client.destroy())
    client.once('close', () => void waiting.splice(waiting.indexOf(client), waiting.includes(client) ? 1 : 0))
    waiting.push(client)
    next()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Resolves when it is this process's turn, which lasts until it ends. Without a gate it is at once. */
export async function turn(port: string | undefined): Promise<void> {
  if (port === undefined) return
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'data')
  // The end of the process ends the turn.
  socket.unref()
}
