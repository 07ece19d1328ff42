import {
  Client,
  InsufficientScopeError,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { type Login, LoginRequired } from '@tetrapod/agent-sdk'
import { z } from 'zod'

/** What a tool call came to. `signed_out`: the login is over and the user signs in again. */
export type Called =
  | { readonly outcome: 'answered'; readonly result: unknown }
  | { readonly outcome: 'refused'; readonly sentence: string }
  | { readonly outcome: 'signed_out' }

const rpcError = z.object({ error: z.object({ message: z.string() }) })

/** A tool call as the user who signed in. */
export type ToolCall = (
  login: Login,
  name: string,
  input: Readonly<Record<string, unknown>>,
) => Promise<Called>

/** Calls one tool at the gateway as the user who signed in. A refusal is an answer, with the sentence it came with. */
export async function callTool(
  mcpUrl: string,
  login: Login,
  name: string,
  input: Readonly<Record<string, unknown>>,
): Promise<Called> {
  const client = new Client(
    { name: 'tetrapod-demo-assistant', version: '0.1.0' },
    { versionNegotiation: { mode: 'auto' } },
  )
  try {
    const { authProvider } = login
    await client.connect(
      new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider, onInsufficientScope: 'throw' }),
    )
    const result = await client.callTool({ name, arguments: { ...input } })
    if (result.isError !== true) return { outcome: 'answered', result }
    return { outcome: 'refused', sentence: textIn(result.content) }
  } catch (error) {
    if (causes(error).some((cause) => cause instanceof LoginRequired)) return { outcome: 'signed_out' }
    return { outcome: 'refused', sentence: sentenceOf(error) }
  } finally {
    await client.close()
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof InsufficientScopeError) {
    return `The gateway asks for ${error.requiredScope ?? 'another scope'}, which the user has not granted to this agent.`
  }
  if (error instanceof SdkHttpError) return sentenceIn(error.data['text']) ?? error.message
  return error instanceof Error ? error.message : String(error)
}

/** The sentence of a JSON-RPC error that came with an HTTP status of its own. */
function sentenceIn(body: unknown): string | undefined {
  try {
    return rpcError.parse(JSON.parse(String(body))).error.message
  } catch {
    return undefined
  }
}

function textIn(content: readonly { readonly type: string; readonly text?: unknown }[]): string {
  return content.flatMap(({ text }) => (typeof text === 'string' ? [text] : [])).join(' ')
}

function causes(error: unknown): readonly unknown[] {
  return error instanceof Error && error.cause !== undefined ? [error, ...causes(error.cause)] : [error]
}
