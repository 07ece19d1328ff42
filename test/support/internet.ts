import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import type { Network } from '../../service/src/egress/index.ts'

/** What is served at an address: a document, or whatever a handler does. */
export type Page = object | ((request: IncomingMessage, response: ServerResponse) => void)

/** Everybody else's hosts, on this machine: names, the addresses they seem to have, and what they serve over TLS. */
export interface Internet {
  readonly network: Network
  /** Where all of it really is, on this machine. */
  readonly port: number
  readonly certificate: Buffer
  /** Every request that arrived. */
  readonly asked: readonly { readonly url: string; readonly headers: IncomingHttpHeaders }[]
  /** Every name that was looked up. */
  readonly resolved: readonly string[]
  /** Every address that was dialled. */
  readonly dialled: readonly string[]
  /** Serves at an https address from now on; undefined: nothing any more. */
  publish(url: string, page: Page | undefined): void
  /** Gives a host other addresses: one list for each time that it is asked for, the last one again and again. */
  move(host: string, ...answers: readonly (readonly string[])[]): void
  /** Whether connections are made at all. */
  reachable: boolean
  close(): void
}

/** A public address that belongs to nobody here. */
export const PUBLIC = '160.79.104.10'

/** `hosts`: those that the certificate is for. */
export async function openInternet(hosts: readonly string[]): Promise<Internet> {
  const pages = new Map<string, Page>()
  const addresses = new Map<string, (readonly string[])[]>()
  const asked: { url: string; headers: IncomingHttpHeaders }[] = []
  const [resolved, dialled]: [string[], string[]] = [[], []]
  const { key, certificate } = certificateFor(hosts)

  const server: Server = createServer({ key, cert: certificate }, (request, response) => {
    const url = `https://${request.headers.host ?? ''}${request.url ?? ''}`
    asked.push({ url, headers: request.headers })
    const page = pages.get(url)
    if (typeof page === 'function') {
      page(request, response)
      return
    }
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(page ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const listening = server.address()
  const at = (typeof listening === 'object' ? listening?.port : undefined) ?? 0

  const internet: Internet = {
    reachable: true,
    port: at,
    certificate,
    asked,
    resolved,
    dialled,
    network: {
      resolve: (host) => {
        resolved.push(host)
        const answers = addresses.get(host) ?? [[PUBLIC]]
        return Promise.resolve((answers.length > 1 ? answers.shift() : answers[0]) ?? [])
      },
      dial: ({ address, host }) => {
        dialled.push(address)
        const port = internet.reachable ? at : 1
        const socket = connect({ host: '127.0.0.1', port, servername: host, ca: certificate })
        // It stands for a connection to there.
        return Object.defineProperty(socket, 'remoteAddress', { value: address })
      },
    },
    publish(url, page) {
      if (page === undefined) pages.delete(url)
      else pages.set(url, page)
    },
    move: (host, ...answers) => void addresses.set(host, [...answers]),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return internet
}

function certificateFor(hosts: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'tetrapod-internet-'))
  try {
    const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    const names = `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}`
    const subject = ['-subj', '/CN=everybody', '-addext', names]
    const files = ['-keyout', key, '-out', certificate]
    execFileSync('openssl', ['req', '-x509', ...made, ...subject, ...files], { stdio: 'ignore' })
    return { key: readFileSync(key), certificate: readFileSync(certificate) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
