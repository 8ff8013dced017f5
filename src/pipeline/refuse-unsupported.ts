/**
 * Settings that assay.yaml may hold and that this version does not act on: refused, never ignored.
 */
import { DomainError } from '../core/index.ts'
import type { StageDefinition, StageSettings } from './definition.ts'

/** @throws ERR_SECRETS_UNSUPPORTED */
export function refuseUnsupportedStage(stage: StageDefinition, settings: StageSettings): void {
  if (settings.secrets.length > 0) {
    const names = settings.secrets.join(', ')
    throw new DomainError('ERR_SECRETS_UNSUPPORTED', `the stage \`${stage.name}\` asks for secrets: ${names}`)
  }
}
