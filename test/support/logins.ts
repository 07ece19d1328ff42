import { type Answer, byHand, createPerson, type Form, type Person } from './by-hand.ts'
import { ask } from './wire.ts'
import { openWorld, type WorldOptions } from './world.ts'

export type Logins = Awaited<ReturnType<typeof openLogins>>

/** A world in which time passes, with an agent that signs by the clock of the service and logs people in. */
export async function openLogins(options: WorldOptions = {}) {
  const world = await openWorld(options)
  const hand = byHand(world)
  const proof = () =>
    hand.proof({ claims: { iat: undefined, exp: Math.floor(world.clock.now() / 1000) + 60 } })
  return {
    world,
    hand,
    proof,
    person: () => createPerson(world.publicUrl),
    /** A whole login of `assistant`, the pages filled in. */
    async login(person: Person, parameters: Form = {}, username = 'alice'): Promise<Answer> {
      const code = await hand.codeOf(person, parameters, username)
      const { resource } = parameters
      return hand.redeem(code, { ...(await proof()), ...(resource === undefined ? {} : { resource }) })
    },
    /** Uses the refresh token of an answer. */
    async refresh({ body }: Answer, parameters: Form = {}): Promise<Answer> {
      return hand.refresh(body['refresh_token'], { ...(await proof()), ...parameters })
    },
    /** What the audit log says, oldest first. */
    async lines(): Promise<readonly Record<string, unknown>[]> {
      const { text } = await ask(world.service.socket, 'GET', '/audit?limit=500')
      return (JSON.parse(text) as { lines: Record<string, unknown>[] }).lines
    },
  }
}
