export { compilePolicy } from './compile-policy.ts'
export { namePattern } from './name-pattern.ts'
export type { Decision, Policy, PolicySubject, PolicyTarget, Rule, RuleTerms } from './rule.ts'
