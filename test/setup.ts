import { Socket } from 'node:net'

/** Tests talk to this machine alone: a connection anywhere else is a defect of the test, or of the product. */
// oxlint-disable-next-line no-extend-native -- one guard for every client
const connect = Socket.prototype.connect
const loopback = /^(127\.|::1$|localhost$|0\.0\.0\.0$|::$)/
Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  const first = Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0]
  const host =
    typeof first === 'object' && first !== null ? (first as { host?: string; path?: string }).host : undefined
  if (host !== undefined && !loopback.test(host)) throw new Error(`A test tried to connect to ${host}`)
  return Reflect.apply(connect, this, args) as Socket
} as typeof connect
