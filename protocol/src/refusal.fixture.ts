import { Refusal } from './refusal.ts'

/** The code `run` refuses with, or `accepted`. */
export function codeOf(run: () => unknown): string {
  try {
    run()
    return 'accepted'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}
