import { Socket } from 'node:net'

/** Tests talk to this machine alone: a connection anywhere else is a defect of the test, or of the product. */
const { connect } = Socket.prototype
const loopback = /^(127\.|::1$|localhost$|0\.0\.0\.0$|::$)/

// oxlint-disable-next-line no-extend-native -- one guard for every client
Socket.prototype.connect = function guarded(this: Socket, ...args: unknown[]): Socket {
  const host = hostOf(Array.isArray(args[0]) ? args[0][0] : args[0])
  if (host !== undefined && !loopback.test(host)) throw new Error(`A test tried to connect to ${host}`)
  return Reflect.apply(connect, this, args)
}

function hostOf(options: unknown): string | undefined {
  const named =
    typeof options === 'object' && options !== null && 'host' in options ? options.host : undefined
  return typeof named === 'string' ? named : undefined
}
