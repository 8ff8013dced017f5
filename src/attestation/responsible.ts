/**
 * Which person answers for a run: who set it off, or, where a service of CI did, whom the policy names for that service.
 *
 * The claims of the service's identity stand in the record as `trigger/issuer`, `trigger/subject` and `trigger/claim/<name>`,
 * as the builder read and verified them. Source: trust.md section 3, level 2.
 */
import type { StageFacts } from './stage-facts.ts'
import type { ServiceRule } from './trust-policy.ts'

export const triggerFacts = { issuer: 'trigger/issuer', subject: 'trigger/subject', claim: 'trigger/claim/' } as const

export type Responsible = Readonly<{
  /** As identity providers call it: issuer and subject. */
  service?: string
  /** `Name <mail>`, or the address alone. */
  person?: string
  /** Why nobody is known to answer for it. */
  fault?: string
}>

export function responsibleFor({ facts, principal }: StageFacts, services: readonly ServiceRule[] = []): Responsible {
  const said = (name: string) => facts.find((fact) => fact.name === name)
  const [issuer, subject] = [said(triggerFacts.issuer), said(triggerFacts.subject)]
  if (issuer === undefined && subject === undefined) {
    return principal.tier === 'verified'
      ? { person: principal.email }
      : { fault: `names \`${principal.email}\`, who is ${principal.tier}` }
  }
  const service = `${subject?.value ?? 'nobody'} of ${issuer?.value ?? 'nobody'}`
  if (issuer?.tier !== 'verified' || subject?.tier !== 'verified')
    return { service, fault: `was set off by the service \`${service}\`, whose identity the builder did not verify` }
  const rule = services.find((each) => each.issuer === issuer.value && each.subject === subject.value)
  return rule === undefined
    ? { service, fault: `was set off by the service \`${service}\`, and the policy names nobody who answers for it` }
    : { service, person: rule.responsible }
}
