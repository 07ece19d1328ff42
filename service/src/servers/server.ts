import type { ScopeEdges } from '@tetrapod/protocol'
import type { ClientCredential } from '#secrets'
import type { UpstreamPattern } from './upstream-pattern.ts'

/** An MCP server behind the gateway. */
export interface Server {
  readonly key: string
  readonly name: string
  /** Where the gateway calls it, and the audience of token 2. */
  readonly url: string
  /** The gateway's resource for it, and the audience of token 1: `{publicUrl}/{key}/mcp`. */
  readonly mount: string
  /** Inside our trust domain: it is told who the user is and who acts, in a transaction token. */
  readonly internal: boolean
  /** What the gateway calls it with. */
  readonly upstream: UpstreamPattern
  /** How it authenticates when it asks for the next token. A server that never asks has none. */
  readonly credential: ClientCredential | undefined
  /** Per API: what each scope held here lets the server ask for there. */
  readonly calls: Readonly<Record<string, ScopeEdges>>
  /** The vocabulary of the mount, each scope in words for the consent page. */
  readonly scopes: Readonly<Record<string, string>>
  /** Which scopes a tool needs: by its name, or by a pattern in which `*` stands for any run of characters. */
  readonly tools: Readonly<Record<string, readonly string[]>>
}
