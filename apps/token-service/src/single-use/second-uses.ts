import { Injectable } from '@nestjs/common';
import type { ActivityRecord } from '@puerta/contracts';
import { publish } from '@puerta/database';
import type { Call } from '@puerta/service';
import { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { Owner, TokenKey } from './token-key';

/** Publishes to the activity trail that a token was used again. */
@Injectable()
export class SecondUses {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * @param again when it was first used again, in ms: with the token it makes the id of the line, which is the same one
   *   however often it is published, by whichever replica
   */
  async record({ actor }: Call, key: TokenKey, owner: Owner, tokenId: string, again: number): Promise<void> {
    // Services know of their own tokens what they need to know; the trail is of what people do.
    if (!actor) return;
    const record: ActivityRecord = {
      id: uuid({ msecs: again, random: key.bits(owner, 'reuse', tokenId) }),
      kind: 'token.reused',
      at: new Date(again).toISOString(),
      actor_user_id: actor.user_id,
      company_id: actor.company_id,
      subject_id: uuidOf(tokenId),
    };
    await publish(this.dataSource.manager, 'activity', record);
  }
}

/** A token's id as the UUID that it is. */
function uuidOf(tokenId: string): string {
  const hex = Buffer.from(tokenId, 'base64url').toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
