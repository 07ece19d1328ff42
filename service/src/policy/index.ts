export { compilePolicy } from './compile-policy.ts'
export type { Decision, Policy, PolicySubject, PolicyTarget, Rule, RuleTerms } from './rule.ts'
