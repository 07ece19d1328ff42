import { type IncomingHttpHeaders, request, type RequestOptions } from 'node:http'

/** One request exactly as it is written down: no header is added, no path normalised. */
export interface Sent {
  readonly method?: string
  readonly url: string
  /** The target of the request line, where it is not the path of `url`. */
  readonly path?: string
  /** A list sends the header several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export function send({ method = 'POST', url, path, headers = {}, body }: Sent): Promise<Reply> {
  const { hostname, port, pathname, search } = new URL(url)
  return exchanged(
    {
      host: hostname,
      port,
      method,
      path: path ?? `${pathname}${search}`,
      headers: headers as Record<string, string | string[]>,
    },
    body,
  )
}

/** What an operator asks over the socket in the data directory. */
export function ask(socketPath: string, method: string, path: string): Promise<Reply> {
  return exchanged({ socketPath, method, path })
}

function exchanged(options: RequestOptions, body?: string | Uint8Array): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const VERSION = '2026-07-28'

/** The request metadata of MCP 2026-07-28. */
export const meta = {
  'io.modelcontextprotocol/protocolVersion': VERSION,
  'io.modelcontextprotocol/clientCapabilities': {},
} as const

export interface Rpc {
  readonly url: string
  readonly token?: string | undefined
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly id?: string | number
  /** Replaces headers of the honest request; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** An MCP request over HTTP as an honest client of this revision sends it, but for what is replaced. */
export function rpc({ url, token, method = 'tools/call', params = {}, id = 1, headers = {} }: Rpc): Sent {
  const { name } = params
  const all = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': VERSION,
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    ...headers,
  }
  return {
    url,
    headers: Object.fromEntries(
      Object.entries(all).flatMap(([header, value]) => (value === undefined ? [] : [[header, value]])),
    ),
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { _meta: meta, ...params } }),
  }
}
