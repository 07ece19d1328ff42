import { lookup } from 'node:dns/promises'
import type { Socket } from 'node:net'
import { connect } from 'node:tls'

/** How names become addresses, and addresses connections: what the door to learnt addresses stands on. */
export interface Network {
  /** Every address of a host. */
  resolve(host: string): Promise<readonly string[]>
  /** A TLS connection to this very address, with a certificate for `host`. */
  dial(to: { readonly address: string; readonly port: number; readonly host: string }): Socket
}

/** The system's resolver, and direct connections: no proxy is asked, whatever the environment says. */
export const systemNetwork: Network = {
  async resolve(host) {
    const answers = await lookup(host, { all: true, verbatim: true })
    return answers.map(({ address }) => address)
  },
  dial: ({ address, port, host }) =>
    connect({ host: address, port, servername: host, ALPNProtocols: ['http/1.1'] }),
}
