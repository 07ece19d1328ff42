import { type byHand, type Form, type Person, VERIFIER } from './by-hand.ts'
import type { World } from './world.ts'

type Hand = ReturnType<typeof byHand>

export interface Registered {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Headers
}

/** Adds what agents may do by themselves to the configuration of a test. */
export function withRegistration(block: string): (text: string) => string {
  return (text) => text.replace('agents:\n', `registration: ${block}\nagents:\n`)
}

export async function register(
  { publicUrl }: Pick<World, 'publicUrl'>,
  body: unknown,
  {
    method = 'POST',
    url = `${publicUrl}/register`,
    token,
  }: { method?: string; url?: string; token?: string } = {},
): Promise<Registered> {
  const response = await fetch(url, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const read = text.startsWith('{') ? (JSON.parse(text) as Registered['body']) : {}
  return { status: response.status, body: read, headers: response.headers }
}

/** The journey of an agent that has a client id: authorize, consent, code, token. */
export async function journey({
  hand,
  person,
  id,
  redirectUri,
  proof = {},
  authorize = {},
}: {
  readonly hand: Hand
  readonly person: Person
  readonly id: string
  readonly redirectUri: string
  readonly proof?: Form
  readonly authorize?: Form
}) {
  const parameters = { client_id: id, redirect_uri: redirectUri, ...authorize }
  const consent = await hand.toConsent(person, parameters)
  // No page of ours: the user agreed to this before.
  const agreed =
    consent.response === undefined ? consent : await person.submit(consent, { decision: 'allow' })
  const back = agreed.url
  const code = back.searchParams.get('code') ?? ''
  const answer = await hand.token({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: VERIFIER,
    resource: authorize['resource'],
    client_id: id,
    ...proof,
  })
  return { consent, back, code, ...answer }
}
