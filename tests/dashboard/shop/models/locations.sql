select * from (values
    ('S1', 'Lille', 'North', 'FR', '59'),
    ('S2', 'O''Brien "the corner"', 'Côte d''Azur', 'FR', '59'),
    ('W', 'Warehouse', 'North', 'FR', '59')
) as t(location_id, name, region, country, area_code)
