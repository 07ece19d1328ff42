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
      if (name !== undefined && !Object.hasOwn(draft[kind], name) && !(kind === 'users' && isAccountId(name)))
        yield valueProblem(
          [...path, kind, index],
          `Nothing under \`${kind}\` has this name: correct it, or add it there.`,
        )
}

// 128 random bits, base64url: a user may be named by it, and only the database knows which there are.
function isAccountId(name: string): boolean {
  return /^[\w-]{22}$/.test(name)
}
