/**
 * What crosses the pipe between a run and its signer: one JSON document a frame, its length before it.
 *
 * The first frame opens the key and is answered once; every later frame is one request, answered in any order.
 */
import { z } from 'zod'
import { type ErrorCode, errorTable, type Json, parseStrictJson, type Sha256 } from '../../core/index.ts'
import type { DataAnchor, DataReview, DataWaiver } from '../data-decisions.ts'
import type { DataVerdict } from '../data-verdict-facts.ts'
import type { KeySource } from '../key.ts'
import { dataDecisionShapes } from '../predicates/data-decision.ts'
import { dataVerdictShape } from '../predicates/data-verdict.ts'
import { reproductionShape } from '../predicates/reproduction.ts'
import { sourceApprovalShape } from '../predicates/source-approval.ts'
import { sourceBuildShape } from '../predicates/source-build.ts'
