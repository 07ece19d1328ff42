/** Where in the configuration: keys, and places in lists from 0. */
export type Path = readonly (string | number)[]

/** Something to mend. The sentence never repeats a value that could be a secret. */
export interface Problem {
  readonly path: Path
  /** Whether the reader should look at the last key of the path, or at what it holds. */
  readonly at: 'key' | 'value'
  readonly sentence: string
}

export function keyProblem(path: Path, sentence: string): Problem {
  return { path, at: 'key', sentence }
}

export function valueProblem(path: Path, sentence: string): Problem {
  return { path, at: 'value', sentence }
}

/** A path as people read it: `servers.crm.calls.payroll["crm.read"][1]`, lists counted from 1. */
export function writePath(path: Path): string {
  const steps = path.map((step) => {
    if (typeof step === 'number') return `[${step + 1}]`
    return /^[A-Za-z_][\w-]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
  })
  return steps.join('').replace(/^\./, '') || '(document)'
}
