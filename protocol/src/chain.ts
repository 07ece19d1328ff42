import { z } from 'zod'
import { Refusal } from './refusal.ts'

/** Two actors are the same when both members are equal, exactly (no normalisation). */
export interface ActorId {
  readonly iss: string
  readonly sub: string
}

/** One node of an `act` claim (RFC 8693 §4.1): who acted. Identity members only. */
export interface Actor extends ActorId {
  /** The OAuth client the actor is, where that differs from `sub` (the gateway acts as its mounts). */
  readonly client_id?: string
}

/** Who acted, outermost (the current actor) first. Never empty for a token of ours. */
export type Chain = readonly [Actor, ...Actor[]]

/** The `act` claim as it travels: each node holds the one that acted before it. */
export interface Act extends Actor {
  readonly act?: Act
}

/** A token of ours holds at most this many actors. */
export const ACTORS_MAX = 8

const name = z.string().min(1).max(256)
const node = z.strictObject({ iss: name, sub: name, client_id: name.optional(), act: z.unknown().optional() })

export function sameActor(a: ActorId, b: ActorId): boolean {
  return a.iss === b.iss && a.sub === b.sub
}

/**
 * Reads an `act` claim, iteratively: a claim of any depth costs no stack, and no step beyond its ninth node.
 *
 * Throws {@link Refusal}: `chain` for a node that is not `{iss, sub[, client_id][, act]}` with strings of 1 to 256
 * characters, `depth` beyond 8 nodes, `loop` when an actor appears twice.
 */
export function parseAct(claim: unknown): Chain {
  const chain: Actor[] = []
  for (let inner = claim; inner !== undefined && chain.length <= ACTORS_MAX;) {
    const parsed = node.safeParse(inner)
    if (!parsed.success) throw new Refusal('chain', `act node ${chain.length} is malformed`)
    const { act, client_id, ...id } = parsed.data
    chain.push(client_id === undefined ? id : { ...id, client_id })
    inner = act
  }
  return checked(chain)
}

/** Writes a chain as an `act` claim. */
export function formatAct(chain: Chain): Act {
  return chain.slice(0, -1).reduceRight<Act>((act, actor) => ({ ...actor, act }), innermostActor(chain))
}

/**
 * The chain after `actor` acted: one node more at the front, all others as they were.
 * Throws {@link Refusal} `depth` or `loop` where the result would break {@link parseAct}'s rules.
 */
export function appendActor(chain: Chain, actor: Actor): Chain {
  return checked([actor, ...chain])
}

/** Who presents the token (RFC 8693 §4.1): the outermost actor. */
export function currentActor(chain: Chain): Actor {
  return chain[0]
}

/** Who acted first, for the user themselves: the agent that the grant was given to. */
export function innermostActor(chain: Chain): Actor {
  return chain.at(-1) ?? chain[0]
}

function checked(chain: readonly Actor[]): Chain {
  const [outermost, ...prior] = chain
  if (outermost === undefined) throw new Refusal('chain', 'act is missing')
  if (chain.length > ACTORS_MAX) throw new Refusal('depth', `the chain has more than ${ACTORS_MAX} actors`)
  const looped = chain.some((actor, i) => chain.slice(i + 1).some((earlier) => sameActor(actor, earlier)))
  if (looped) throw new Refusal('loop', 'an actor appears twice in the chain')
  return [outermost, ...prior]
}
