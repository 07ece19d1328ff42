import { type Problem, valueProblem } from './problem.ts'
import type { CatalogueInput } from './schema.ts'

/** What a running service was opened with, as written: the secret of a reference may be renewed behind it. */
export type Fixed = Pick<CatalogueInput, 'publicUrl' | 'listen' | 'database'>

export function fixedOf({ publicUrl, listen, database }: Fixed): Fixed {
  return { publicUrl, listen, database }
}

/** What an edit may not change while the service runs. */
export function* checkFixed(input: Fixed, running: Fixed): Generator<Problem> {
  for (const key of ['publicUrl', 'listen', 'database'] as const) {
    if (input[key] !== running[key])
      yield valueProblem(
        [key],
        'The service has to be restarted for this: restart it, or write here what was here before.',
      )
  }
}
