import { Controller } from '@nestjs/common';
import {
  type ActivityPage,
  type Done,
  identityContract,
  ListActivityCommand,
  PageQueryDto,
  RecordActivityDto,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { ActivityService } from './activity.service';

@Controller()
export class ActivityMessages {
  constructor(private readonly activity: ActivityService) {}

  @Handles(identityContract, 'activity.record')
  async record(dto: RecordActivityDto): Promise<Done> {
    await this.activity.record(dto);
    return { done: true };
  }

  @Handles(identityContract, 'activity.list-mine')
  listMine(page: PageQueryDto, call: Call): Promise<ActivityPage> {
    return this.activity.listMine(page, call);
  }

  @Handles(identityContract, 'activity.list')
  list(command: ListActivityCommand, call: Call): Promise<ActivityPage> {
    return this.activity.listOfCompany(command, call);
  }
}
