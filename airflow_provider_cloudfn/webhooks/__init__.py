"""
Webhooks in: what a service sends is proved to come from it, and read as events.

Nothing here knows Airflow, or keeps anything.

===================  ================================================================================================
:mod:`received`      a request as it came
:mod:`source`        who may send, and how what is sent becomes events: an event source's settings
:mod:`handshake`     what a service asks before it sends its first event
:mod:`incoming`      a request's events, once it is proved
:mod:`refused`       why there are none
:mod:`schemes`       how a request is proved: one file for each way
===================  ================================================================================================
"""
