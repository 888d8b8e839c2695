select * from (values
    ('S1', 'Lille', 'North', 'FR'),
    ('S2', 'O''Brien "the corner"', 'Côte d''Azur', 'FR'),
    ('W', 'Warehouse', 'North', 'FR')
) as t(location_id, name, region, country)
