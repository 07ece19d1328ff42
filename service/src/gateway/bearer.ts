import type { IncomingMessage } from 'node:http'
import { type AccessToken, bearerToken, Refusal } from '@tetrapod/protocol'
import type { Server } from '#servers'
import type { Tokens } from '#tokens'
import { fault } from './faults.ts'

/** The token of a request, verified for this mount alone. Throws `gateway.token_missing`, `gateway.token_refused`. */
export async function verifiedToken(
  request: IncomingMessage,
  server: Server,
  tokens: Tokens,
): Promise<AccessToken> {
  const { authorization } = request.headers
  if (authorization === undefined) throw fault.token_missing()
  const token = bearerToken(authorization)
  // Node keeps the first of two Authorization headers: which one was meant is not ours to guess.
  if (token === undefined || sentTwice(request, 'authorization'))
    throw fault.token_refused({ detail: 'malformed' })
  try {
    return await tokens.verify(token, server.mount)
  } catch (cause) {
    throw cause instanceof Refusal ? fault.token_refused({ detail: cause.code, cause }) : cause
  }
}

function sentTwice({ rawHeaders }: IncomingMessage, name: string): boolean {
  return rawHeaders.filter((header, i) => i % 2 === 0 && header.toLowerCase() === name).length > 1
}
