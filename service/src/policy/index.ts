export { compilePolicy } from './compile-policy.ts'
export {
  DYNAMIC,
  type Decision,
  type Policy,
  type PolicySubject,
  type PolicyTarget,
  type Rule,
  type RuleTerms,
} from './rule.ts'
