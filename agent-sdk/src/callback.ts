import { JourneyFailed } from './journey-failed.ts'
import type { PendingLogin, PendingLogins } from './pending-logins.ts'

/** A callback that belongs to a login we began, from the server we sent the browser to. */
export interface Callback {
  readonly code: string
  readonly login: PendingLogin
}

/**
 * Checks an authorization response (RFC 6749 §4.1.2, RFC 9207 §2.4) before anything in it is used or shown.
 *
 * The state is spent whatever comes after. `iss` is compared as it is, with the issuer recorded when the login began;
 * the words of an error are never repeated: they came through the browser. Throws {@link JourneyFailed} `callback.*`.
 */
export function readCallback(
  callbackUrl: string,
  { pending, expectedState }: { pending: PendingLogins; expectedState: string },
): Callback {
  if (!URL.canParse(callbackUrl)) throw malformed()
  const parameters = new URL(callbackUrl).searchParams
  const one = (name: string) => single(parameters, name)
  const state = one('state')
  const login = state !== undefined && state === expectedState ? pending.take(state) : undefined
  if (login === undefined) {
    const message = 'This login is unknown, already used or older than ten minutes. Begin it again.'
    throw new JourneyFailed('callback.state_unknown', message)
  }
  checkIssuer(one('iss'), login)
  const error = one('error')
  if (error !== undefined) throw refusal(error)
  const code = one('code')
  if (code === undefined) throw malformed()
  return { code, login }
}

function checkIssuer(iss: string | undefined, { destination: { server } }: PendingLogin): void {
  if (iss === undefined && server.sendsIssuer) {
    const message = `The answer does not say it is from ${server.issuer}, which always says so. Begin again.`
    throw new JourneyFailed('callback.issuer_missing', message)
  }
  if (iss !== undefined && iss !== server.issuer) {
    const message = `The answer is not from ${server.issuer}, where the login began. Do not use it; begin again.`
    throw new JourneyFailed('callback.issuer_mismatch', message)
  }
}

function refusal(error: string): JourneyFailed {
  if (error === 'access_denied') {
    const message = 'The login or the consent was refused. Begin again if that was not meant.'
    return new JourneyFailed('callback.denied', message)
  }
  const code = /^[a-z_]{1,64}$/.test(error) ? error : 'an unknown error'
  const message = `The authorization server refused the request (${code}). Check the agent's registration.`
  return new JourneyFailed('callback.refused', message)
}

/** RFC 6749 §3.1: no parameter more than once, and an empty one is not there; save `iss`, which is then wrong. */
function single(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name)
  if (values.length > 1) throw malformed()
  return values[0] === '' && name !== 'iss' ? undefined : values[0]
}

function malformed(): JourneyFailed {
  const message =
    'The callback is not an authorization response. Hand in the full URL the browser was sent to.'
  return new JourneyFailed('callback.malformed', message)
}
