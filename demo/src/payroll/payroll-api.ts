import type { ServerResponse } from 'node:http'
import { callerOf, type ClientKey, type GuardedRequest, protect } from '@tetrapod/server-sdk'
import { decodeJwt } from 'jose'
import type { Served } from '../serve.ts'
import { monthsOf, statementOf } from './statements.ts'

export interface PayrollOptions {
  /** Tetrapod's `publicUrl`. */
  readonly issuer: string
  /** Where this API is: the audience of the tokens it takes. */
  readonly resource: string
  /** Its own private key, with which it follows the revocation feed. */
  readonly key: ClientKey
}

/**
 * The payroll API: `GET /commission?month=YYYY-MM` answers the statement of the user in the token, and nobody else's;
 * without a month, the latest. It says what it saw of the caller, so that the demo can show it.
 */
export function payrollApi({ issuer, resource, key }: PayrollOptions): Served {
  const client = { id: 'payroll', key }
  const { guard, close } = protect({ issuer, resource, scopes: ['payroll.read'], name: 'Payroll', client })
  return { handle: guard(commission), close }
}

function commission(request: GuardedRequest, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://payroll')
  if (request.method !== 'GET' || pathname !== '/commission') {
    return answer(response, 404, { error: 'Only GET /commission?month=YYYY-MM is here.' })
  }
  const caller = callerOf(request)
  caller.requireScopes('payroll.read')
  const username = caller.user.subjectId.sub
  const months = monthsOf(username)
  if (months.length === 0) return answer(response, 404, { error: `Payroll does not know ${username}.` })
  const month = searchParams.get('month') ?? months.at(-1) ?? ''
  const statement = statementOf(username, month)
  if (statement === undefined) {
    return answer(response, 404, {
      error: `There is no statement for that month, only for ${months.join(', ')}.`,
    })
  }
  const saw = { user: caller.user, chain: caller.chain, claims: decodeJwt(request.auth.token) }
  answer(response, 200, { statement, saw })
}

function answer(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body))
}
