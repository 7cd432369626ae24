import { Controller } from '@nestjs/common';
import { identityContract, MembershipDto, type MembershipFact } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import { DataSource } from 'typeorm';
import { isActiveMember } from './memberships';

@Controller()
export class MembershipsMessages {
  constructor(private readonly dataSource: DataSource) {}

  @Handles(identityContract, 'memberships.check')
  async check({ user_id, company_id }: MembershipDto): Promise<MembershipFact> {
    return { active: await isActiveMember(this.dataSource.manager, user_id, company_id) };
  }
}
