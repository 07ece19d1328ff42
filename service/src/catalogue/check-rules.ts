import { documentUrl, presetHosts } from '#agents'
import { DYNAMIC } from '#policy'
import { type Draft, type DraftTerms, termsOf } from './draft.ts'
import { keyProblem, type Path, type Problem, valueProblem } from './problem.ts'

/** A rule says one thing, about parties that exist: a misspelt forbid would forbid nobody. */
export function* checkRules(draft: Draft): Generator<Problem> {
  for (const [index, rule] of draft.policies.entries()) {
    const path = ['policies', index]
    if (rule === undefined) continue
    if ((rule.permit === undefined) === (rule.forbid === undefined))
      yield keyProblem(path, 'A rule is one `permit` or one `forbid`: write each as an item of its own.')
    yield* checkTerms(draft, [...path, 'permit'], termsOf(rule.permit))
    yield* checkTerms(draft, [...path, 'forbid'], termsOf(rule.forbid))
  }
}

function* checkTerms(draft: Draft, path: Path, terms: DraftTerms | undefined): Generator<Problem> {
  if (terms === undefined) return
  if (terms.tools !== undefined && terms.apis.length > 0)
    yield keyProblem([...path, 'apis'], 'A rule is about `tools` or about `apis`: write two rules.')
  for (const kind of ['users', 'agents', 'servers', 'apis'] as const)
    for (const [index, name] of terms[kind].entries())
      if (name !== undefined && !Object.hasOwn(draft[kind], name) && !isElsewhere(kind, name, draft))
        yield valueProblem(
          [...path, kind, index],
          `Nothing under \`${kind}\` has this name: correct it, or add it there.`,
        )
}

/** A name of somebody whom the configuration knows without listing them. */
function isElsewhere(kind: string, name: string, { registration }: Draft): boolean {
  if (kind === 'users') return isAccountId(name)
  return kind === 'agents' && (name === DYNAMIC || isDocumentOf(name, registration?.metadataDocuments))
}

/** The address of a metadata document, at a host that is accepted. */
function isDocumentOf(name: string, accepted: readonly string[] | undefined): boolean {
  const host = documentUrl(name)?.host
  const hosts = accepted ?? presetHosts.map((one) => one.host)
  return host !== undefined && (hosts.includes(host) || hosts.includes('*'))
}

// 128 random bits, base64url: a user may be named by it, and only the database knows which there are.
function isAccountId(name: string): boolean {
  return /^[\w-]{22}$/.test(name)
}
