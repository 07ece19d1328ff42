import { exchangeOf } from './delegation.ts'
import { StepUpRequired, TokenRefused } from './journey-failed.ts'
import type { Keeper, KeeperDeps } from './keeper.ts'
import { requestToken } from './token-endpoint.ts'

/** To whom a part of a login goes, and how much of it. */
export interface Handover {
  /** The sub-agent's client id. */
  readonly to: string
  /** Of those that the login has: a sub-agent never gets everything because nobody said what. */
  readonly scopes: Iterable<string>
}

/** What is handed on ends with what it came from: that has this much life left, where it can be renewed. */
const HANDED_SECONDS_MIN = 120

/**
 * A token for a sub-agent, with fewer scopes, that it alone can exchange, and for this resource alone (RFC 8693, `may_act`).
 * Throws {@link StepUpRequired} where the user has not agreed to it, `LoginRequired`, `JourneyFailed` `token.*`.
 */
export async function handOver(
  keeper: Keeper,
  { to, scopes }: Handover,
  { clock, door }: Pick<KeeperDeps, 'clock' | 'door'>,
): Promise<string> {
  const { client, destination } = keeper
  const { accessToken } = await keeper.fresh(HANDED_SECONDS_MIN)
  const request = exchangeOf(accessToken, { audience: to }, scopes)
  try {
    return (await requestToken(request, { server: destination.server, client, clock, door })).token
  } catch (error) {
    if (!(error instanceof TokenRefused) || error.error !== 'consent_required') throw error
    const { requested, scopes: held } = keeper.current()
    throw new StepUpRequired(destination.mcpUrl, new Set([...requested, ...held]))
  }
}
